"""Which step the rows of a file have, and whether all of them stand on its grid."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from sloengine.infrastructure.files.problems import Complaints

type IntArray = npt.NDArray[np.int64]

MINUTE, HOUR, DAY = 60, 3600, 86_400
_AGREEING_SHARE = 0.98  # of the gaps that are multiples of the most common one, for it to be the step
_MAJORITY = 0.5
_RARE_GAP_SHARE = 0.01  # gaps rarer than this are taken for stray rows when the step is sought
_COARSER_FACTOR = 6  # a service all of whose gaps are this many steps, on their own grid, has another step
_COARSER_RUN = 12  # so many equal, longer gaps in a row do not come about by chance


def find_step(services: IntArray, seconds: IntArray, lines: IntArray, complaints: Complaints) -> int:
    """Seconds between rows; rows that do not fit are reported.

    All arrays have shape (n_rows,), sorted by service, then time, without doubles. The step is the most common
    gap of the services' own rows (rows may be missing), between 1 min and 1 d, a divisor of the hour or of the
    day. Raises ``FileProblem`` when no step can be told.
    """
    same = services[1:] == services[:-1]
    gaps = np.diff(seconds)[same]
    if gaps.size == 0:
        gaps = np.diff(np.unique(seconds))
    if gaps.size == 0:
        raise complaints.fail(
            None, "all rows have one timestamp, so their step cannot be told; two intervals are the least"
        )
    step = _most_plausible(gaps)
    if not _allowed(step):
        raise complaints.fail(
            int(lines[0]),
            f"rows are {duration(step)} apart; the step must be 1 min to 1 d and divide the hour or the day",
        )
    _report_off_grid(seconds, lines, step, complaints)
    _report_coarser(services, seconds, lines, step, complaints)
    return step


def duration(seconds: int) -> str:
    """A length of time in words.

    >>> duration(300), duration(7200), duration(86400), duration(61)
    ('5 min', '2 h', '1 d', '61 s')
    """
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds % unit == 0 and seconds:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"


def when(seconds: int) -> str:
    """A time as ISO 8601."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _most_plausible(gaps: IntArray) -> int:
    values, counts = np.unique(gaps, return_counts=True)
    most_common = int(values[np.argmax(counts)])
    agreeing = np.sum(counts[values % most_common == 0]) / gaps.size
    if agreeing >= _AGREEING_SHARE:
        return most_common
    finer = int(np.gcd.reduce(values[counts >= _RARE_GAP_SHARE * gaps.size]))
    stray_rows = agreeing > _MAJORITY and finer * _COARSER_FACTOR < most_common and _allowed(most_common)
    return most_common if stray_rows else finer


def _allowed(step: int) -> bool:
    return MINUTE <= step <= DAY and (HOUR % step == 0 or (step % HOUR == 0 and DAY % step == 0))


def _report_off_grid(seconds: IntArray, lines: IntArray, step: int, complaints: Complaints) -> None:
    offsets = seconds % step
    off = offsets != 0
    if not off.any():
        return
    shifts, counts = np.unique(offsets, return_counts=True)
    if counts.max() == seconds.size and shifts[0] != 0:
        complaints.add(
            int(lines[0]),
            f"rows are {duration(step)} apart but {duration(int(shifts[0]))} after the UTC multiples of it; "
            "a timestamp is the start of its interval, in UTC",
        )
        return
    for position in np.flatnonzero(off)[np.argsort(lines[off], kind="stable")].tolist():
        complaints.add(
            int(lines[position]),
            f"{when(int(seconds[position]))} is off the grid: the file's step is {duration(step)}",
        )


def _report_coarser(
    services: IntArray, seconds: IntArray, lines: IntArray, step: int, complaints: Complaints
) -> None:
    """Rows of a coarser step among finer ones would put all events of a long interval into a short one."""
    if seconds.size < 3:
        return
    gaps = np.diff(seconds)
    gaps[services[1:] != services[:-1]] = 0
    run_starts = np.flatnonzero(np.concatenate(([True], gaps[1:] != gaps[:-1])))
    run_lengths = np.diff(np.append(run_starts, gaps.size))
    run_gaps = gaps[run_starts]
    aligned = (run_gaps > step) & (seconds[run_starts] % np.maximum(run_gaps, 1) == 0)
    rows_of_service = np.bincount(services)[services[run_starts]]
    whole_service = (
        (run_lengths == rows_of_service - 1) & (run_lengths >= 2) & (run_gaps >= _COARSER_FACTOR * step)
    )
    for run in np.flatnonzero(aligned & (whole_service | (run_lengths >= _COARSER_RUN))).tolist():
        complaints.add(
            int(lines[run_starts[run]]),
            f"mixed steps: rows are {duration(int(run_gaps[run]))} apart from here on, the file's step is "
            f"{duration(step)}; put each step into a file of its own, or give every interval a row",
        )
