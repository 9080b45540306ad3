"""Any series of a file with timestamp and value, as hourly means."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sloengine.domain.drift.model import HourlySeries
from sloengine.infrastructure.files.cells import Times
from sloengine.infrastructure.files.problems import Complaints
from sloengine.infrastructure.files.table import open_table, require_columns

SERIES_COLUMNS = ("timestamp", "value")
MAX_HOURS = 1_000_000
LARGEST = 1e100
"""Squares of larger numbers, summed, are no longer numbers."""


def read_series(path: Path) -> HourlySeries:
    """Means of the values of each UTC hour; rows in any order, an hour without a value is no data (NaN).

    ``timestamp``: ISO 8601 (naive = UTC) or unix seconds. An empty value is no data. Raises ``FileProblem``.
    """
    complaints, times = Complaints(path), Times()
    hours: list[npt.NDArray[np.int64]] = []
    values: list[npt.NDArray[np.float64]] = []
    with open_table(path, complaints) as table:
        require_columns(table, SERIES_COLUMNS, complaints)
        for chunk in table.chunks:
            hours.append(times.column(chunk.columns["timestamp"], chunk.lines, complaints) // 3600)
            numbers = [_number(text) for text in chunk.columns["value"]]
            for position, number in enumerate(numbers):
                if number is None:
                    text = chunk.columns["value"][position]
                    complaints.add(int(chunk.lines[position]), _complaint(text))
            values.append(np.array([math.nan if number is None else number for number in numbers]))
    complaints.raise_if_any()
    if not hours:
        raise complaints.fail(2, "there are no rows below the header")
    hour, value = np.concatenate(hours), np.concatenate(values)
    first = int(hour.min())
    span = int(hour.max()) - first + 1
    if span > MAX_HOURS:
        raise complaints.fail(None, f"{span:,} hours from first to last row are more than {MAX_HOURS:,}")
    known = ~np.isnan(value)
    count = np.bincount(hour[known] - first, minlength=span)
    summed = np.bincount(hour[known] - first, value[known], minlength=span)
    return HourlySeries(first, np.where(count > 0, summed / np.maximum(count, 1), np.nan))


def _number(text: str) -> float | None:
    """The number; NaN for an empty cell, None for what is no number that can be reckoned with."""
    if not text.strip():
        return math.nan
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) <= LARGEST else None


def _complaint(text: str) -> str:
    word = text.strip().lower()
    if word in ("nan", "null", "none", "na", "n/a"):
        return f"value is not a number: {text!r}; leave the cell empty where there is no data"
    if word.lstrip("+-").startswith("inf"):
        return f"value is not a number: {text!r}"
    try:
        float(text)
    except ValueError:
        return f"value is not a number: {text!r}"
    return f"value {text!r} is beyond ±{LARGEST:g}"
