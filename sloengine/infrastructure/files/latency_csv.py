"""``timestamp,service,le,count``: cumulative histograms per interval; or percentiles, which carry no target."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import LatencyHistory
from sloengine.infrastructure.files.cells import Identities, Times, number_column
from sloengine.infrastructure.files.grid import DAY, find_step, when
from sloengine.infrastructure.files.output import number_text, open_for_writing
from sloengine.infrastructure.files.problems import Complaints
from sloengine.infrastructure.files.table import Table, open_table, require_columns

LATENCY_COLUMNS = ("timestamp", "service", "le", "count")
_PERCENTILE_NAME = re.compile(r"(latency_)?p\d{1,2}(\.\d+)?(_s|_ms|_seconds)?")
_BAD_BOUND = -1.0

type IntArray = npt.NDArray[np.int64]
type FloatArray = npt.NDArray[np.float64]


def read_latency(path: Path) -> dict[str, LatencyHistory]:
    """Daily histograms from a CSV of cumulative counts per interval, summed over each UTC day.

    ``le`` in seconds, ``+Inf`` included; ``count``: requests of the interval with latency <= le. Every interval of
    a service has the same bounds; an interval with an empty count is no data. A file with ``p50``, ``p95``, …
    instead of ``le,count`` gives histories marked ``percentiles_only``. Raises ``FileProblem`` with line numbers.
    """
    complaints = Complaints(path)
    with open_table(path, complaints) as table:
        percentiles = [name for name in table.names if _PERCENTILE_NAME.fullmatch(name)]
        if percentiles and not {"le", "count"} & set(table.names):
            return _read_percentiles(table, percentiles, complaints)
        return _read_histograms(table, complaints)


def write_latency(path: Path, histories: Iterable[LatencyHistory]) -> None:
    """Write daily histograms as cumulative counts, a row per day and bound; days without data stay empty.

    Raises ValueError for a history that is known only as percentiles.
    """
    with open_for_writing(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(LATENCY_COLUMNS)
        for history in histories:
            if history.percentiles_only:
                raise ValueError(f"{history.service_id} has percentiles only, no counts to write")
            bounds = [number_text(bound) for bound in history.bounds_seconds.tolist()]
            for day, cumulative in enumerate(np.cumsum(history.counts, axis=1).tolist()):
                at = (history.start_at + timedelta(days=day)).astimezone(UTC).isoformat().replace("+00:00", "Z")
                writer.writerows(
                    (at, history.service_id, le, number_text(count))
                    for le, count in zip(bounds, cumulative, strict=True)
                )


class _Bounds(dict[str, float]):
    """Upper bounds by their text; ``_BAD_BOUND`` where it is none."""

    def __missing__(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = _BAD_BOUND
        self[text] = value if value >= 0 else _BAD_BOUND
        return self[text]


def _read_histograms(table: Table, complaints: Complaints) -> dict[str, LatencyHistory]:
    require_columns(table, LATENCY_COLUMNS, complaints)
    times, identities, bounds = Times(), Identities(), _Bounds()
    parts: list[tuple[IntArray, IntArray, IntArray]] = []
    values: list[tuple[FloatArray, FloatArray]] = []
    for chunk in table.chunks:
        columns = chunk.columns
        seconds = times.column(columns["timestamp"], chunk.lines, complaints)
        services = identities.column(columns["service"], chunk.lines, complaints)
        counts = number_column(columns["count"], chunk.lines, "count", complaints)
        les = np.fromiter(map(bounds.__getitem__, columns["le"]), np.float64, len(columns["le"]))
        for position in np.flatnonzero(les == _BAD_BOUND).tolist():
            complaints.add(
                int(chunk.lines[position]), f"le is not a bound in seconds or +Inf: {columns['le'][position]!r}"
            )
        parts.append((seconds, services, chunk.lines))
        values.append((les, counts))
    complaints.raise_if_any()
    if not parts:
        raise complaints.fail(2, "there are no rows below the header")
    seconds, services, lines = (np.concatenate(part) for part in zip(*parts, strict=True))
    les, counts = (np.concatenate(part) for part in zip(*values, strict=True))
    order = np.lexsort((lines, les, seconds, services))
    seconds, services, lines = seconds[order], services[order], lines[order]
    les, counts = les[order], counts[order]
    _report_impossible(seconds, services, lines, les, counts, identities.names, complaints)
    complaints.raise_if_any()
    firsts = _first_of_intervals(seconds, services)
    if np.unique(seconds).size > 1:
        find_step(services[firsts], seconds[firsts], lines[firsts], complaints)
        complaints.raise_if_any()
    ends = np.append(firsts[1:], seconds.size)
    service_firsts = np.flatnonzero(np.diff(services[firsts], prepend=-1))
    histories = {}
    for start, stop in zip(
        service_firsts.tolist(), np.append(service_firsts[1:], firsts.size).tolist(), strict=True
    ):
        own = firsts[start:stop]
        first, last = int(own[0]), int(ends[stop - 1])
        name = identities.names[services[first]]
        rows = slice(first, last)
        table_of = _intervals_of(
            name, seconds[rows], les[rows], counts[rows], lines[rows], own - first, complaints
        )
        if table_of is not None:
            histories[name] = _daily(name, *table_of)
    complaints.raise_if_any()
    return dict(sorted(histories.items()))


def _report_impossible(
    seconds: IntArray,
    services: IntArray,
    lines: IntArray,
    les: FloatArray,
    counts: FloatArray,
    names: Sequence[str],
    complaints: Complaints,
) -> None:
    same = (seconds[1:] == seconds[:-1]) & (services[1:] == services[:-1])
    for position in np.flatnonzero(same & (les[1:] == les[:-1])).tolist():
        complaints.add(
            int(lines[position + 1]),
            f"{names[services[position]]} at {when(int(seconds[position]))} "
            f"le {number_text(float(les[position]))} was on line {lines[position]} already",
        )
    for position in np.flatnonzero(same & (counts[1:] < counts[:-1] * (1 - 1e-9))).tolist():
        complaints.add(
            int(lines[position + 1]),
            f"count {counts[position + 1]:g} at le {number_text(float(les[position + 1]))} is below "
            f"{counts[position]:g} at le {number_text(float(les[position]))}; counts are cumulative over le",
        )


def _first_of_intervals(seconds: IntArray, services: IntArray) -> IntArray:
    changed = (seconds[1:] != seconds[:-1]) | (services[1:] != services[:-1])
    return np.flatnonzero(np.concatenate(([True], changed)))


def _intervals_of(
    name: str,
    seconds: IntArray,
    les: FloatArray,
    counts: FloatArray,
    lines: IntArray,
    firsts: IntArray,
    complaints: Complaints,
) -> tuple[IntArray, FloatArray, FloatArray] | None:
    """Times, bounds and cumulative counts (n_intervals, n_bounds) of one service; None after reporting gaps."""
    bounds = np.unique(les)
    if not np.isinf(bounds[-1]):
        complaints.add(int(lines[0]), f"{name} has no rows for le +Inf, so its requests cannot be counted")
        return None
    sizes = np.diff(np.append(firsts, seconds.size))
    short = np.flatnonzero(sizes != bounds.size)
    for interval in short.tolist():
        first = int(firsts[interval])
        missing = sorted(set(bounds.tolist()) - set(les[first : first + int(sizes[interval])].tolist()))
        complaints.add(
            int(lines[first]),
            f"{name} at {when(int(seconds[first]))} has no row for le {', '.join(map(number_text, missing))}, "
            "which its other intervals have",
        )
    if short.size:
        return None
    return seconds[firsts], bounds, counts.reshape(-1, bounds.size)


def _daily(name: str, seconds: IntArray, bounds: FloatArray, cumulative: FloatArray) -> LatencyHistory:
    counts = np.diff(cumulative, axis=1, prepend=0.0)
    known = ~np.isnan(counts).any(axis=1)
    days = seconds // DAY
    first = int(days.min())
    daily = np.zeros((int(days.max()) - first + 1, bounds.size))
    np.add.at(daily, days[known] - first, np.maximum(counts[known], 0.0))
    with_data = np.zeros(daily.shape[0], dtype=bool)
    with_data[days[known] - first] = True
    daily[~with_data] = np.nan
    return LatencyHistory(name, datetime.fromtimestamp(first * DAY, UTC), bounds, daily)


def _read_percentiles(
    table: Table, percentiles: Sequence[str], complaints: Complaints
) -> dict[str, LatencyHistory]:
    require_columns(table, ("timestamp", "service"), complaints)
    times, identities = Times(), Identities()
    spans: dict[int, tuple[int, int]] = {}
    for chunk in table.chunks:
        seconds = times.column(chunk.columns["timestamp"], chunk.lines, complaints)
        services = identities.column(chunk.columns["service"], chunk.lines, complaints)
        for name in percentiles:
            number_column(chunk.columns[name], chunk.lines, name, complaints)
        for code in np.unique(services).tolist():
            days = seconds[services == code] // DAY
            first, last = spans.get(code, (int(days[0]), int(days[0])))
            spans[code] = min(first, int(days.min())), max(last, int(days.max()))
    complaints.raise_if_any()
    if not spans:
        raise complaints.fail(2, "there are no rows below the header")
    return {
        name: LatencyHistory(
            service_id=name,
            start_at=datetime.fromtimestamp(spans[code][0] * DAY, UTC),
            bounds_seconds=np.array([np.inf]),
            counts=np.full((spans[code][1] - spans[code][0] + 1, 1), np.nan),
            percentiles_only=True,
        )
        for name, code in sorted((name, code) for code, name in enumerate(identities.names))
    }
