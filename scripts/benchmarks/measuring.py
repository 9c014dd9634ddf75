"""How times are taken, compared and told."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Prepare = Callable[[], Awaitable[Any]]
Work = Callable[[Any], Awaitable[Any]]
Check = Callable[[Any], Awaitable[None]]


async def unchecked(_: Any) -> None:
    pass


@dataclass(frozen=True)
class Figure:
    """One line of the table. Ratios are of medians, ours by the rival's; a figure without a rival has a value and its unit.

    `complaint` says what makes the figure worthless: something was lost, or a client saw an error.
    """

    name: str
    ratio: float | None = None
    limit: float | None = None
    ours: Sequence[float] = ()
    rival: Sequence[float] = ()
    value: float | None = None
    unit: str | None = None
    note: str = ""
    complaint: str | None = None

    @property
    def is_reached(self) -> bool:
        is_within = self.limit is None or (self.ratio is not None and self.ratio <= self.limit)
        return is_within and self.complaint is None

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"ratio": self.ratio and round(self.ratio, 3), "limit": self.limit}
        if self.value is not None:
            shown |= {"value": round(self.value, 3), "unit": self.unit}
        if self.complaint is not None:
            shown["complaint"] = self.complaint
        return shown


@dataclass
class Side:
    """One of the two that are compared. Only `work` is timed: it is given what `prepare` returns, and `check` sees its answer."""

    work: Work
    check: Check = unchecked
    prepare: Prepare | None = None
    seconds: list[float] = field(default_factory=list)

    async def run(self, *, is_counted: bool = True) -> Any:
        prepared = await self.prepare() if self.prepare is not None else None
        begun = time.perf_counter()
        answer = await self.work(prepared)
        taken = time.perf_counter() - begun
        await self.check(answer)
        if is_counted:
            self.seconds.append(taken)
        return answer


async def compare(
    name: str, rival: Side, ours: Side, *, limit: float | None, rounds: int, warm_up: int = 1, note: str = ""
) -> Figure:
    """Rival and ours take turns, so that whatever else the machine does meets both."""
    for _ in range(warm_up):
        await rival.run(is_counted=False)
        await ours.run(is_counted=False)
    for _ in range(rounds):
        await rival.run()
        await ours.run()
    return figure_of(name, rival.seconds, ours.seconds, limit=limit, note=note)


def figure_of(name: str, rival: Sequence[float], ours: Sequence[float], *, limit: float | None, note: str = "") -> Figure:
    ratio = statistics.median(ours) / statistics.median(rival)
    return Figure(name, ratio=ratio, limit=limit, ours=ours, rival=rival, note=note)


def milliseconds(seconds: Sequence[float]) -> str:
    """Median, and the fastest and slowest beside it."""
    if not seconds:
        return ""
    low, middle, high = (1000 * value for value in (min(seconds), statistics.median(seconds), max(seconds)))
    return f"{middle:,.1f} ({low:,.1f} to {high:,.1f})"


def table(figures: Sequence[Figure]) -> str:
    """All figures, times in milliseconds."""
    head = ("name", "ours, ms", "rival, ms", "ratio", "limit", "", "")
    rows = [head, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths).rstrip())
    return "\n".join(lines)


def _cells(figure: Figure) -> tuple[str, ...]:
    if figure.complaint is not None:
        verdict = "FAILED"
    elif figure.limit is None:
        verdict = ""
    else:
        verdict = "reached" if figure.is_reached else "MISSED"
    note = figure.complaint or figure.note
    if figure.value is not None:
        note = "; ".join(filter(None, (f"{figure.value:,.1f} {figure.unit}", note)))
    return (
        figure.name,
        milliseconds(figure.ours),
        milliseconds(figure.rival),
        f"{figure.ratio:.2f}" if figure.ratio is not None else "",
        f"{figure.limit:.2f}" if figure.limit is not None else "",
        verdict,
        note,
    )
