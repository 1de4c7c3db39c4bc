"""A training run on disk, so that it can go on where it ended."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlcore.engine.errors import ArtifactError

Arrays = list[NDArray[Any]]


@dataclass
class RunState:
    """What a run needs in order to go on after an epoch."""

    plan: dict[str, Any]
    data_sha256: str
    epoch: int = 0
    best_epoch: int = 0
    best_value: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)
    arrays: dict[str, Arrays] = field(default_factory=dict)
    """By name (weights, average, best, optimizer): the arrays in the model's order."""


def save_checkpoint(path: Path, state: RunState) -> None:
    """Write the state; the file is either the old one or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {
        "plan": state.plan,
        "data_sha256": state.data_sha256,
        "epoch": state.epoch,
        "best_epoch": state.best_epoch,
        "best_value": state.best_value,
        "history": state.history,
    }
    named: dict[str, Any] = {
        f"{name}/{i:04d}": a for name, arrays in state.arrays.items() for i, a in enumerate(arrays)
    }
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, facts=np.frombuffer(json.dumps(facts).encode(), np.uint8), **named)
    os.replace(part, path)


def load_checkpoint(path: Path, *, plan: dict[str, Any], data_sha256: str) -> RunState | None:
    """Return the state of the same run, or None when there is none; raise when it is another run's."""
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as stored:
        facts = json.loads(stored["facts"].tobytes())
        same_plan = _decisive(facts["plan"]) == _decisive(json.loads(json.dumps(plan)))
        if not same_plan or facts["data_sha256"] != data_sha256:
            raise ArtifactError(
                "The checkpoint belongs to a run with other settings or other data.",
                mend="Delete the checkpoint to start anew, or repeat the settings it was made with.",
            )
        arrays: dict[str, Arrays] = {}
        for name in sorted(set(stored.files) - {"facts"}):
            arrays.setdefault(name.split("/")[0], []).append(stored[name])
    return RunState(arrays=arrays, **facts)


def _decisive(plan: dict[str, Any]) -> dict[str, Any]:
    """The settings that every epoch hangs on; where a run ends is not one of them."""
    return {name: value for name, value in plan.items() if name != "stop_after"}
