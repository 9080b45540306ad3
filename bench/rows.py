"""What a measurement says: figures, goals, baselines, and whether the goals are met."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import psutil


class Verdict(StrEnum):
    """NONE: the row is there to be read; it has no goal."""

    OK = "OK"
    MISS = "MISS"
    NONE = ""


@dataclass(frozen=True)
class Goal:
    """What has to hold: ``quantile`` of the measured values against ``limit``, their median over the baseline's
    against ``ratio``. ``at_least``: limits are lower ones.
    """

    limit: float | None = None
    quantile: float = 0.5
    ratio: float | None = None
    at_least: bool = False

    def text(self, unit: str) -> str:
        """As printed."""
        sign = "≥" if self.at_least else "<"
        parts = []
        if self.limit is not None:
            of = {0.5: "", 1.0: "max "}.get(self.quantile, f"p{100 * self.quantile:.0f} ")
            parts.append(f"{of}{sign} {shown(self.limit, unit)}")
        if self.ratio is not None:
            parts.append(f"{'≥' if self.at_least else '≤'} {self.ratio:g} ×")
        return ", ".join(parts)


@dataclass(frozen=True)
class Row:
    """One measured thing. ``values``: as measured, in ``unit``; ``baseline``: name and values of the same run."""

    section: str
    what: str
    values: Sequence[float]
    unit: str
    goal: Goal | None = None
    baseline: tuple[str, Sequence[float]] | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Median over the baseline's median."""
        if self.baseline is None:
            return None
        return float(np.median(self.values) / np.median(self.baseline[1]))

    @property
    def verdict(self) -> Verdict:
        """Whether the goal is met."""
        if self.goal is None:
            return Verdict.NONE
        keeps: Callable[[float, float], bool] = (
            (lambda value, limit: value >= limit) if self.goal.at_least else (lambda value, limit: value <= limit)
        )
        measured = [(float(np.quantile(self.values, self.goal.quantile)), self.goal.limit)]
        measured += [(self.ratio, self.goal.ratio)] if self.ratio is not None else []
        met = all(limit is None or keeps(value, limit) for value, limit in measured)
        return Verdict.OK if met else Verdict.MISS

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        median, p95 = np.quantile(self.values, [0.5, 0.95]).tolist()
        named = None
        if self.baseline is not None:
            named = {"name": self.baseline[0], "median": float(np.median(self.baseline[1]))}
        return {
            "section": self.section,
            "what": self.what,
            "unit": self.unit,
            "count": len(self.values),
            "median": median,
            "p95": p95,
            "max": float(max(self.values)),
            "goal": self.goal.text(self.unit) if self.goal else None,
            "baseline": named,
            "ratio": self.ratio,
            "verdict": self.verdict.value or None,
            "note": self.note or None,
        }


@dataclass
class Report:
    """Rows as they are measured, printed at once."""

    say: Callable[[str], None] = print
    rows: list[Row] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Keep and print."""
        self.rows.append(row)
        self.say(line(row))

    @property
    def missed(self) -> list[Row]:
        """Rows whose goal is not met."""
        return [row for row in self.rows if row.verdict is Verdict.MISS]


COLUMNS = ("what", "median", "p95", "n", "goal", "baseline", "ratio", "")
_WIDTHS = (58, 10, 10, 5, 22, 38, 7, 4)


def header() -> str:
    """The names of the columns."""
    return _aligned(COLUMNS)


def line(row: Row) -> str:
    """A row as text; a note on a line of its own."""
    median, p95 = np.quantile(row.values, [0.5, 0.95]).tolist()
    several = len(row.values) > 1
    base = (
        "" if row.baseline is None else f"{row.baseline[0]}: {shown(float(np.median(row.baseline[1])), row.unit)}"
    )
    text = _aligned(
        (
            f"{row.section}: {row.what}",
            shown(median, row.unit),
            shown(p95, row.unit) if several else "",
            str(len(row.values)) if several else "",
            row.goal.text(row.unit) if row.goal else "",
            base,
            "" if row.ratio is None else f"{row.ratio:.2f} ×",
            row.verdict.value,
        )
    )
    return f"{text}\n      {row.note}" if row.note else text


def _aligned(cells: Sequence[str]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


def shown(value: float, unit: str) -> str:
    """Three figures and the unit.

    >>> shown(0.01234, "s"), shown(1234.5, "/s"), shown(24.0, "")
    ('0.0123 s', '1,234 /s', '24')
    """
    digits = 0 if value == 0 else max(0, 2 - int(np.floor(np.log10(abs(value)))))
    text = f"{value:,.{digits}f}" if digits < 6 else f"{value:.2g}"
    if "." in text and unit in {"", "queries", "edges"}:
        text = text.rstrip("0").rstrip(".")
    return f"{text} {unit}".strip()


def machine() -> str:
    """Where the figures come from, and how busy it was."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    model = next(
        (
            text.split(":", 1)[1].strip()
            for text in _lines(Path("/proc/cpuinfo"))
            if text.lower().startswith(("model name", "hardware"))
        ),
        platform.processor() or platform.machine(),
    )
    memory = psutil.virtual_memory()
    return (
        f"{os.cpu_count()} cores ({model}), {memory.total / 2**30:.0f} GiB memory, "
        f"Python {platform.python_version()}, {platform.system()} {platform.release()}; load average {load}"
    )


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
