"""Plots of rates with intervals: where each mark stands; `templates/plot.svg` draws them.

They are drawn here and not by a plotting library: the page allows no inline style, which libraries
put on every element; its colours must follow a dark or a light page; and a stored report must be
shown in less time than matplotlib needs to be imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.outcomes import Rate
from lowkey_core.errors import one_line
from reports.parts.layout import Table

LEFT, RIGHT, TOP, BOTTOM = 52.0, 616.0, 16.0, 250.0
"""Of the area inside the axes, in a picture of 640 x 300."""
SERIES = 4
"""Series that shapes and dashes tell apart."""


@dataclass(frozen=True)
class Point:
    """A figure, and how it is called in the picture and where a pointer rests on it."""

    x: float
    rate: Rate
    label: str
    title: str
    series: int = 0


@dataclass(frozen=True)
class Mark:
    """A point in the picture's units."""

    x: float
    y: float
    low: float
    high: float
    label: str
    title: str
    series: int


@dataclass(frozen=True)
class Plot:
    """A picture with the table that holds its numbers."""

    title: str
    x_label: str
    ticks: tuple[tuple[float, str], ...]
    """Of the x axis, in the picture's units."""
    marks: tuple[Mark, ...]
    lines: tuple[tuple[int, str], ...]
    """Series, and its points in the form of SVG."""
    keys: tuple[str, ...]
    """Names of series; none where there is one alone."""
    rule: tuple[float, str] | None
    """A vertical line, and what stands beside it."""
    table: Table
    guess: str = ""
    """A dotted line in the form of SVG: what chance would give; "" for none."""

    @property
    def rates(self) -> tuple[tuple[float, str], ...]:
        """Ticks of the y axis."""
        return tuple((_y(v / 4), f"{v / 4:.2f}") for v in range(5))


def plot(
    title: str,
    x_label: str,
    points: Sequence[Point],
    ticks: Sequence[tuple[float, str]],
    table: Table,
    *,
    span: tuple[float, float],
    keys: Sequence[str] = (),
    rule: tuple[float, str] | None = None,
) -> Plot:
    """points: those whose rate has a value. span: of the x axis. keys: names of series, which are
    then joined by lines."""

    def x(value: float) -> float:
        return _x(value, span)

    def mark(point: Point) -> Mark:
        middle = _y(point.rate.value or 0.0)
        low, high = map(_y, point.rate.interval)
        texts = (one_line(point.label), one_line(point.title))
        return Mark(x(point.x), middle, low, high, *texts, point.series)

    marks = tuple(map(mark, points))
    lines = tuple(
        (series, " ".join(f"{m.x},{m.y}" for m in marks if m.series == series))
        for series in range(len(keys))
    )
    return Plot(
        one_line(title),
        x_label,
        tuple((x(value), label) for value, label in ticks),
        marks,
        lines,
        tuple(map(one_line, keys)),
        rule and (x(rule[0]), one_line(rule[1])),
        table,
    )


Path = Sequence[tuple[float, float]]
"""Points of a line, both coordinates in [0, 1]."""


def lines(
    title: str,
    x_label: str,
    paths: Sequence[tuple[str, Path]],
    ticks: Sequence[tuple[float, str]],
    table: Table,
    *,
    guess: Path = (),
) -> Plot:
    """Lines without marks. paths: by name, SERIES of them at most. guess: what chance gives."""

    def drawn(path: Path) -> str:
        return " ".join(f"{_x(x)},{_y(y)}" for x, y in path)

    return Plot(
        one_line(title),
        x_label,
        tuple((_x(value), label) for value, label in ticks),
        (),
        tuple((series, drawn(path)) for series, (_, path) in enumerate(paths)),
        tuple(one_line(name) for name, _ in paths),
        None,
        table,
        drawn(guess),
    )


def _x(value: float, span: tuple[float, float] = (0, 1)) -> float:
    low, high = span
    return round(LEFT + (RIGHT - LEFT) * (value - low) / (high - low), 1)


def _y(rate: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * rate, 1)
