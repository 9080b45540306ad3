"""What a read of the aggregates would give once pulled hours are stored, before they are.

An answer that pulls missing hours reads the rest meanwhile and writes them while it computes. It must rest on what
a read after the write would have given, to the bit. Where that hangs on how a store joins other steps or bucket
layouts, nothing is put together here: write, then read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from sloengine.application.telemetry.pulled_hours import DAY, HOUR, among, in_days
from sloengine.domain.reliability.panel import EdgePanel, FloatArray, LatencyHistory, SliPanel


class StoredOtherwise(Exception):
    """Only the store knows what comes of these hours: write them, then read."""


def panel_with(stored: SliPanel, pulled: SliPanel) -> SliPanel:
    """Pulled hours in place of stored ones; NaN leaves what is stored.

    ``stored``: all series of it at steps that an hour is a multiple of, and summed up to hours where they are
    finer. Raises ``StoredOtherwise`` when it is not by the hour.
    """
    _require_hours(stored.step, pulled.step)
    good, total = stored.good.copy(), stored.total.copy()
    coverage = None if stored.coverage is None else stored.coverage.copy()
    for service_id, row in pulled.rows.items():
        if service_id in stored.rows:
            at = stored.rows[service_id]
            parts, wholes = pulled.good[row], pulled.total[row]
            _lay((good[at], total[at]), stored.start_at, (parts, wholes), pulled.start_at)
            if coverage is not None:
                seen = np.where(np.isnan(parts) | np.isnan(wholes), np.nan, pulled.seen[row])
                _lay((coverage[at],), stored.start_at, (seen,), pulled.start_at)
    if coverage is not None and bool((np.isnan(total) | (coverage >= 1.0)).all()):
        coverage = None
    return replace(stored, good=good, total=total, coverage=coverage)


def edges_with(
    stored: EdgePanel | None,
    pulled: EdgePanel | None,
    pairs: Sequence[tuple[str, str]],
    known: Collection[str],
    between: tuple[datetime, datetime],
) -> EdgePanel | None:
    """The same for calls of these pairs, in whose order ``stored`` is; those that have none get no row.

    ``known``: services between which calls are stored. ``between``: what was read, whole hours.
    """
    if pulled is None:
        return stored
    pulled = among(pulled, known)
    _require_hours(pulled.step, *(() if stored is None else (stored.step,)))
    from_at, to_at = between
    hours = (to_at - from_at) // HOUR
    if stored is not None and (stored.start_at, stored.calls.shape[1]) != (from_at, hours):
        raise StoredOtherwise
    before = {} if stored is None else {pair: row for row, pair in enumerate(stored.pairs)}
    fresh = {pair: row for row, pair in enumerate(pulled.pairs)}
    kept: list[tuple[str, str]] = []
    rows: list[tuple[FloatArray, FloatArray]] = []
    for pair in dict.fromkeys(pairs):
        if pair not in before and pair not in fresh:
            continue
        row = np.full(hours, np.nan), np.full(hours, np.nan)
        if stored is not None and pair in before:
            row = stored.failed[before[pair]].copy(), stored.calls[before[pair]].copy()
        if pair in fresh:
            _lay(row, from_at, (pulled.failed[fresh[pair]], pulled.calls[fresh[pair]]), pulled.start_at)
        if not np.isnan(row[1]).all():
            kept.append(pair)
            rows.append(row)
    if not kept:
        return None
    failed, calls = (np.stack(values) for values in zip(*rows, strict=True))
    return EdgePanel(tuple(kept), from_at, HOUR, calls, failed)


def latency_with(
    stored: Mapping[str, LatencyHistory],
    pulled: Mapping[str, LatencyHistory],
    wanted: Collection[str],
    between: tuple[datetime, datetime],
) -> Mapping[str, LatencyHistory]:
    """Pulled days in place of stored ones, of the days that begin in ``between``.

    ``pulled``: rows are hours from a midnight on. Raises ``StoredOtherwise`` where a service has no day stored,
    its bounds differ, or days of it are missing, which may be for their bounds.
    """
    found = dict(stored)
    for service_id in wanted:
        if service_id not in pulled:
            continue
        days = in_days(pulled[service_id])
        first = -((days.start_at - between[0]) // DAY)
        last = (between[1] - days.start_at) // DAY
        counts = days.counts[max(0, first) : max(0, last)]
        known = np.flatnonzero(~np.isnan(counts).any(axis=1))
        if not known.size and not days.percentiles_only:
            continue
        found[service_id] = _days_with(
            stored.get(service_id), days, counts, days.start_at + max(0, first) * DAY, known.tolist()
        )
    return found


def _days_with(
    stored: LatencyHistory | None, pulled: LatencyHistory, counts: FloatArray, start_at: datetime, known: list[int]
) -> LatencyHistory:
    if stored is None or stored.percentiles_only or pulled.percentiles_only or np.isnan(stored.counts).any():
        raise StoredOtherwise
    if not np.array_equal(stored.bounds_seconds, pulled.bounds_seconds):
        raise StoredOtherwise
    offset = (start_at - stored.start_at) // DAY
    length = max(len(stored.counts), offset + known[-1] + 1)
    if offset + known[0] < 0:
        raise StoredOtherwise
    laid = np.full((length, stored.counts.shape[1]), np.nan)
    laid[: len(stored.counts)] = stored.counts
    for day in known:
        laid[offset + day] = counts[day]
    return replace(stored, counts=laid)


def _lay(
    onto: Sequence[FloatArray],
    start_at: datetime,
    hours: Sequence[FloatArray],
    first_at: datetime,
) -> None:
    """Put a series' hours where they belong, in place; those outside and those without data are left out."""
    offset = (first_at - start_at) // HOUR
    begin, end = max(0, -offset), min(len(hours[0]), len(onto[0]) - offset)
    if end <= begin:
        return
    cut = [values[begin:end] for values in hours]
    known = ~np.isnan(cut).any(axis=0)
    for series, values in zip(onto, cut, strict=True):
        series[offset + begin : offset + end][known] = values[known]


def _require_hours(*steps: timedelta) -> None:
    if any(step != HOUR for step in steps):
        raise StoredOtherwise
