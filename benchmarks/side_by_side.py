"""Times several ways in turn, so that whatever else the machine does slows all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Run = Callable[[int], object]
WARM_UP = 5
PAUSE_SECONDS = 0.05
"""Between two ways: the threads of some go on spinning for work, at the cost of whatever comes next."""
SHARED = "Taken on a shared machine, in turn round by round: trust the ratios and the fastest runs."


def side_by_side(ways: dict[str, Run], *, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each way in each round; a way is called with the number of the round."""
    return {name: found[:, 0].tolist() for name, found in runs_in_turn(ways, rounds=rounds).items()}


def runs_in_turn(ways: dict[str, Run], *, rounds: int, repeats: int = 1) -> dict[str, NDArray[np.float64]]:
    """Milliseconds, (rounds, repeats), of each way; only the first run of a round comes after a pause."""
    times: dict[str, list[list[float]]] = {name: [] for name in ways}
    for number in range(rounds + WARM_UP):
        for name, run in ways.items():
            time.sleep(PAUSE_SECONDS)
            times[name].append([_milliseconds(run, number) for _ in range(repeats)])
    return {name: np.array(found[WARM_UP:]) for name, found in times.items()}


def _milliseconds(run: Run, number: int) -> float:
    began = time.perf_counter()
    run(number)
    return 1000 * (time.perf_counter() - began)


def spread(times: list[float]) -> tuple[str, str, str]:
    """Fastest, p50 and p95, in milliseconds."""
    return f"{min(times):.2f}", f"{np.median(times):.2f}", f"{np.quantile(times, 0.95):.2f}"


def ratio(times: list[float], others: dict[str, list[float]]) -> str:
    """By how much slower than the fastest way, by the fastest run and by the median."""
    least = min(min(found) for found in others.values())
    middle = min(float(np.median(found)) for found in others.values())
    return f"{min(times) / least:.2f} / {np.median(times) / middle:.2f}"
