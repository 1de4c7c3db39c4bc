"""Drawings of figures as coordinates; numbers are strings with a point, as SVG needs them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 560, 210
LEFT, RIGHT, TOP, BOTTOM = 72, 30, 12, 30
MOST_LABELS = 7


@dataclass(frozen=True)
class Mark:
    """One measured value; `low` and `high` are the ends of its interval, empty where there is none."""

    x: str
    y: str
    words: str
    low: str = ""
    high: str = ""


@dataclass(frozen=True)
class Tick:
    """A place on a scale."""

    at: str
    label: str


@dataclass(frozen=True)
class Drawing:
    """A line with its marks and scales; `diagonal` is what would be perfect, where a plot has that."""

    marks: list[Mark]
    rows: list[Tick]
    columns: list[Tick]
    diagonal: str = ""
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    label_y: int = HEIGHT - 8

    @property
    def path(self) -> str:
        """Return the points of the line."""
        return " ".join(f"{mark.x},{mark.y}" for mark in self.marks)


@dataclass(frozen=True)
class Value:
    """One value to draw, at a place between 0 and 1."""

    place: float
    value: float
    words: str
    interval: tuple[float, float] | None = None


def draw(
    values: Sequence[Value],
    *,
    rows: Sequence[tuple[float, str]],
    columns: Sequence[tuple[float, str]],
    diagonal: bool = False,
) -> Drawing | None:
    """Return the drawing, or None where there is nothing to draw; `rows` are the scale, lowest first."""
    if not values:
        return None
    low, high = rows[0][0], rows[-1][0]
    step = max(1, -(-len(columns) // MOST_LABELS))

    def y(value: float) -> str:
        share = (min(max(value, low), high) - low) / (high - low)
        return f"{TOP + (HEIGHT - TOP - BOTTOM) * (1 - share):.1f}"

    return Drawing(
        marks=[_mark(value, y) for value in values],
        rows=[Tick(y(at), label) for at, label in rows],
        columns=[Tick(_x(place), label) for place, label in columns[::step]],
        diagonal=f"{_x(0)},{y(low)} {_x(1)},{y(high)}" if diagonal else "",
    )


def _mark(value: Value, y: Callable[[float], str]) -> Mark:
    low, high = (y(end) for end in value.interval) if value.interval else ("", "")
    return Mark(_x(value.place), y(value.value), value.words, low=low, high=high)


def _x(place: float) -> str:
    return f"{LEFT + (WIDTH - LEFT - RIGHT) * place:.1f}"
