"""AUROC over versions as the coordinates of a drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlcore.models import ModelVersion

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 68, 24, 14, 30
STEPS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25)
"""How far apart the lines of the scale may lie."""
STEPS_OF_TWO_DECIMALS = 0.01
MOST_LINES = 5
MOST_VERSIONS = 40


@dataclass(frozen=True)
class Point:
    """One version; `low` and `high` are the ends of its interval on the drawing, empty where unknown."""

    version: ModelVersion
    x: str
    y: str
    auroc: float
    low: str = ""
    high: str = ""


@dataclass(frozen=True)
class Line:
    """One line of the scale."""

    y: str
    label: str


@dataclass(frozen=True)
class Plot:
    """The drawing: numbers are strings with a point, as SVG needs them whatever the language."""

    points: list[Point]
    lines: list[Line]
    path: str
    left_out: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    label_y: int = HEIGHT - 10


def plot_of(versions: Sequence[ModelVersion]) -> Plot | None:
    """Return the drawing of versions in their order, or None where no AUROC is known."""
    known = [(version, version.metrics["auroc"]) for version in versions if "auroc" in version.metrics]
    shown = known[-MOST_VERSIONS:]
    if not shown:
        return None
    intervals = [_interval(version) for version, _ in shown]
    lowest = min([auroc for _, auroc in shown] + [low for low, _ in filter(None, intervals)])
    step = next((step for step in STEPS if (1 - lowest) / step <= MOST_LINES), STEPS[-1])
    count = max(1, int((1 - lowest) / step + 0.999999))
    floor = 1 - count * step
    points = []
    for index, ((version, auroc), interval) in enumerate(zip(shown, intervals, strict=True)):
        low, high = (_y(bound, floor=floor) for bound in interval) if interval else ("", "")
        points.append(
            Point(version, _x(index, len(shown)), _y(auroc, floor=floor), auroc, low=low, high=high)
        )
    return Plot(
        points=points,
        lines=[_line(1 - index * step, step=step, floor=floor) for index in range(count + 1)],
        path=" ".join(f"{point.x},{point.y}" for point in points),
        left_out=len(known) - len(shown),
    )


def _interval(version: ModelVersion) -> tuple[float, float] | None:
    """Return the 95 % interval, which is known of the mean where there is one condition alone."""
    if len(version.classes) != 1:
        return None
    code = version.classes[0]
    low, high = (version.metrics.get(f"{code}_auroc_{end}") for end in ("low", "high"))
    return None if low is None or high is None else (low, high)


def _line(value: float, *, step: float, floor: float) -> Line:
    return Line(_y(value, floor=floor), f"{value:.{2 if step >= STEPS_OF_TWO_DECIMALS else 3}f}")


def _x(index: int, count: int) -> str:
    span = WIDTH - LEFT - RIGHT
    return f"{LEFT + span * (index + 0.5) / count:.1f}"


def _y(value: float, *, floor: float) -> str:
    share = (value - floor) / (1 - floor)
    return f"{TOP + (HEIGHT - TOP - BOTTOM) * (1 - share):.1f}"
