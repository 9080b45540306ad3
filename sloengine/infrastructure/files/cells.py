"""From the text of cells to numbers, times and identities, a column at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from sloengine.domain.topology.validation import check_rows
from sloengine.infrastructure.files.problems import Complaints

BAD_TIME = -(2**62)
_LATEST_UNIX_SECONDS = 32_503_680_000  # year 3000; larger numbers are milliseconds or finer
_COMPACT_DATE_LENGTH = 8  # 20260131 could be a day or a time in 1970


class Times(dict[str, int]):
    """Unix seconds of each text seen, parsed once; ``BAD_TIME`` where it is none. ``reasons`` says why."""

    def __init__(self) -> None:
        super().__init__()
        self.reasons: dict[str, str] = {}

    def __missing__(self, text: str) -> int:
        """Parse and remember."""
        try:
            self[text] = value = unix_seconds(text)
        except ValueError as error:
            self.reasons[text] = str(error)
            self[text] = value = BAD_TIME
        return value

    def column(
        self, cells: Sequence[str], lines: npt.NDArray[np.int64], complaints: Complaints
    ) -> npt.NDArray[np.int64]:
        """The column as unix seconds; bad cells are reported."""
        values = np.fromiter(map(self.__getitem__, cells), np.int64, len(cells))
        for position in np.flatnonzero(values == BAD_TIME).tolist():
            complaints.add(int(lines[position]), self.reasons[cells[position]])
        return values


class Identities(dict[str, int]):
    """A number for each service id seen, in order of appearance; ``reasons`` holds why one is not allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.reasons: dict[str, str] = {}
        self.names: list[str] = []

    def __missing__(self, text: str) -> int:
        """Check and remember."""
        name = text.strip()
        reason = bad_service_id(name)
        if reason:
            self.reasons[text] = reason
            self[text] = -1
        elif name != text:
            self[text] = self[name]
        else:
            self[text] = len(self.names)
            self.names.append(name)
        return self[text]

    def column(
        self, cells: Sequence[str], lines: npt.NDArray[np.int64], complaints: Complaints
    ) -> npt.NDArray[np.int64]:
        """The column as numbers, -1 for ids that are not allowed, which are reported."""
        codes = np.fromiter(map(self.__getitem__, cells), np.int64, len(cells))
        for position in np.flatnonzero(codes < 0).tolist():
            complaints.add(int(lines[position]), self.reasons[cells[position]])
        return codes


def bad_service_id(service_id: str) -> str | None:
    """Why this cannot be a service id; None: it can. The rule is the one of an ingestion."""
    rejected = check_rows([{"serviceId": service_id}], ()).rejected
    return f"service: {rejected[0].message}" if rejected else None


def unix_seconds(text: str) -> int:
    """Whole unix seconds of an ISO 8601 time (naive = UTC) or of a number of seconds.

    >>> unix_seconds("2026-01-01T01:00:00+01:00") == unix_seconds("2026-01-01") == unix_seconds("1767225600")
    True
    """
    text = text.strip()
    if not text:
        raise ValueError("the timestamp is empty")
    if text.isdigit() and len(text) == _COMPACT_DATE_LENGTH:
        raise ValueError(f"timestamp {text!r} may be a day or unix seconds; write days as 2026-01-31")
    try:
        number = float(text)
    except ValueError:
        return _iso_seconds(text)
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"not a time: {text!r}")
    if number > _LATEST_UNIX_SECONDS:
        raise ValueError(f"timestamp {text!r} is too large for unix seconds; is it in milliseconds?")
    if number != int(number):
        raise ValueError(f"timestamp {text!r} is not a whole second")
    return int(number)


def _iso_seconds(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"not a time: {text!r}; ISO 8601 or unix seconds are understood") from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    if at.microsecond:
        raise ValueError(f"timestamp {text!r} is not a whole second")
    return int(at.timestamp())


def number_column(
    cells: Sequence[str], lines: npt.NDArray[np.int64], name: str, complaints: Complaints
) -> npt.NDArray[np.float64]:
    """The column as numbers >= 0, NaN where the cell is empty; whatever else is reported (and becomes NaN)."""
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError:
        values = np.array([_number_or_nan(cell) for cell in cells])
    wrong = ~(values >= 0) | np.isinf(values)
    if wrong.any():
        for position in np.flatnonzero(wrong).tolist():
            reason = _bad_number(cells[position].strip(), name)
            if reason:
                complaints.add(int(lines[position]), reason)
        values[wrong] = np.nan
    return values


def _number_or_nan(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _bad_number(text: str, name: str) -> str | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        return f"{name} is not a number: {text!r}"
    if math.isnan(value):
        return f"{name} is NaN; leave the cell empty where there is no data"
    if math.isinf(value):
        return f"{name} is not finite: {text!r}"
    return f"{name} is negative: {text}"
