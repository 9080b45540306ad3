"""Aggregates in Neo4j: one node a service, SLI and day, holding arrays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import orjson

from sloengine.application.ports.sli_history import Watermark
from sloengine.domain.errors import Invalid
from sloengine.domain.reliability.latency_hours import LatencyHours
from sloengine.domain.reliability.panel import EdgePanel, FloatArray, LatencyHistory, SliPanel
from sloengine.domain.reliability.percentile_range import PercentileRange
from sloengine.infrastructure.neo4j.connection import Neo4jConnection, Transaction
from sloengine.infrastructure.neo4j.day_runs import DayRun, joined
from sloengine.infrastructure.neo4j.day_series import DaySeries, combined, days_of, in_batches
from sloengine.infrastructure.neo4j.hours_of_days import hour_rows, hours_of
from sloengine.infrastructure.neo4j.instants import day_number, day_start
from sloengine.infrastructure.neo4j.latency_layout import common_bounds, rebucketed
from sloengine.infrastructure.neo4j.node_session import NodeSession, put
from sloengine.infrastructure.neo4j.nodes import AggregationStateNode
from sloengine.infrastructure.neo4j.remembered_days import RememberedDays, Revision, appended

_STATE_NAME = "sli"
_KEYS: Mapping[str, tuple[str, ...]] = {"sli": ("service_id",), "edge": ("caller", "dependency")}
_VALUES_AT_ONCE = 200_000
_HISTORIES_AT_ONCE = 2_000
_DAY = timedelta(days=1)


type Key = tuple[str, ...]
"""A service, or caller and dependency."""


class Neo4jSliHistory:
    """Keeps the ``SliHistory`` port."""

    def __init__(self, connection: Neo4jConnection, nodes: NodeSession) -> None:
        self._connection = connection
        self._nodes = nodes
        self._remembered: dict[str, RememberedDays[Key]] = {kind: RememberedDays() for kind in _KEYS}

    async def write(self, panel: SliPanel) -> None:
        """Store an availability panel; some thousand days to a transaction."""
        days = days_of(panel.start_at, panel.step, panel.good, panel.total, panel.coverage)
        await self._write("sli", ("good", "total"), days, lambda row: {"service_id": panel.service_ids[row]})

    async def write_edges(self, panel: EdgePanel) -> None:
        """Store calls and failed calls per edge."""
        days = days_of(panel.start_at, panel.step, panel.failed, panel.calls)
        await self._write(
            "edge",
            ("failed", "calls"),
            days,
            lambda row: {"caller": panel.pairs[row][0], "dependency": panel.pairs[row][1]},
        )

    async def _write(
        self, kind: str, names: tuple[str, str], days: Any, key: Callable[[int], dict[str, str]]
    ) -> None:
        for batch in in_batches(days, _VALUES_AT_ONCE):
            rows = [_parameters(day, names, key(day.row)) for day in batch]

            async def work(
                transaction: Transaction,
                batch: Sequence[DaySeries] = batch,
                rows: Sequence[dict[str, Any]] = rows,
            ) -> None:
                other_step = await transaction.rows(
                    f"write/merge_{kind}_days", rows=rows, step_seconds=batch[0].step_seconds
                )
                changed = [
                    combined(
                        DaySeries(
                            batch[i].row, batch[i].day, step, np.array(part), np.array(whole), _array(*coverage)
                        ),
                        batch[i],
                    )
                    for i, step, part, whole, *coverage in other_step
                ]
                if changed:
                    await transaction.rows(
                        f"write/replace_{kind}_days",
                        rows=[_parameters(day, names, key(day.row)) for day in changed],
                    )
                await transaction.rows(
                    "write/note_history_change", name=f"{kind}_days", first_day=min(day.day for day in batch)
                )

            await self._connection.in_write(work)

    async def read(self, service_ids: Sequence[str] | None, from_at: datetime, to_at: datetime) -> SliPanel:
        """Availability of the intervals that begin in [from_at, to_at); a row for each service asked for."""
        keys = None if service_ids is None else [(service_id,) for service_id in dict.fromkeys(service_ids)]
        runs = await self._runs("sli", keys, *_day_range(from_at, to_at))
        wanted = sorted(runs) if keys is None else keys
        start_at, step, good, total, coverage = await asyncio.to_thread(_joined, wanted, runs, from_at, to_at)
        return SliPanel(tuple(key[0] for key in wanted), start_at, step, good, total, coverage)

    async def read_edges(
        self, pairs: Sequence[tuple[str, str]] | None, from_at: datetime, to_at: datetime
    ) -> EdgePanel | None:
        """Calls per edge; a row for each pair that has any."""
        keys = None if pairs is None else list(dict.fromkeys(pairs))
        runs = await self._runs("edge", keys, *_day_range(from_at, to_at))
        wanted = [key for key in (sorted(runs) if keys is None else keys) if runs.get(key)]
        start_at, step, failed, calls, _ = _joined(wanted, runs, from_at, to_at)
        known = ~np.isnan(calls).all(axis=1)
        if not known.any():
            return None
        kept = tuple((key[0], key[1]) for key, is_known in zip(wanted, known, strict=True) if is_known)
        return EdgePanel(kept, start_at, step, calls[known], failed[known])

    async def _runs(
        self, kind: str, keys: Sequence[Key] | None, first: int, last: int
    ) -> Mapping[Key, Sequence[DayRun]]:
        """Stored days from ``first`` to ``last``; perhaps more than those.

        Of the series asked for, days that this process has read before and that were not written since are not
        read again; whole organisations are, because keeping them would drive everything else out.
        """
        remembered = self._remembered[kind]
        if keys is None or not remembered.holds(len(keys), last - first + 1):
            query = f"read/all_{kind}_days" if keys is None else f"read/{kind}_days"
            wanted = {} if keys is None else {"wanted": [_wanted(kind, key, first) for key in keys]}
            bounds = {"to_day": last} if keys is not None else {"from_day": first, "to_day": last}
            return await self._connection.in_read(
                lambda transaction: _stream(transaction, query, kind, **wanted, **bounds)
            )

        async def work(transaction: Transaction) -> Mapping[Key, Sequence[DayRun]]:
            # The revision first: what is read after it can be newer than it says, never older.
            state = await transaction.row("read/history_revision", name=f"{kind}_days")
            now = None if state is None else Revision(state[0], state[1], tuple(state[2]))
            known = {key: (first, ()) if now is None else remembered.known(key, first, now) for key in keys}
            behind = [_wanted(kind, key, start) for key, (start, _) in known.items() if start <= last]
            if not behind:
                return {key: runs for key, (_, runs) in known.items()}
            read = await _stream(transaction, f"read/{kind}_days", kind, wanted=behind, to_day=last)
            whole: dict[Key, Sequence[DayRun]] = {}
            for key, (start, runs) in known.items():
                whole[key] = complete = appended(runs, read.get(key, ()))
                if now is not None and start <= last:
                    remembered.keep(key, now, first, last + 1, complete)
            return whole

        return await self._connection.in_read(work)

    async def write_latency(self, histories: Sequence[LatencyHistory]) -> None:
        """Store daily histograms."""
        rows = [row for history in histories for row in _latency_rows(history)]
        for start in range(0, len(rows), _HISTORIES_AT_ONCE):
            await self._connection.write("merge_latency_days", rows=rows[start : start + _HISTORIES_AT_ONCE])

    async def write_latency_hours(self, hours: LatencyHours) -> None:
        """Store hourly percentiles beside the histograms of their days."""
        rows = hour_rows(hours)
        for start in range(0, len(rows), _HISTORIES_AT_ONCE):
            await self._connection.write("set_latency_hours", rows=rows[start : start + _HISTORIES_AT_ONCE])

    async def read_latency_hours(
        self, service_ids: Sequence[str], from_at: datetime, to_at: datetime
    ) -> LatencyHours:
        """Hourly percentiles in [from_at, to_at)."""
        first, last = _day_range(from_at, to_at)
        rows = await self._connection.read(
            "latency_hours", service_ids=list(service_ids), from_day=first, to_day=last
        )
        return hours_of(rows, service_ids, from_at, to_at)

    async def read_latency(
        self, service_ids: Sequence[str] | None, from_at: datetime, to_at: datetime
    ) -> Mapping[str, LatencyHistory]:
        """Histograms of the days that begin in [from_at, to_at), on the bounds that the days share."""
        first, last = -((day_start(0) - from_at) // _DAY), -((day_start(0) - to_at) // _DAY) - 1
        if service_ids is None:
            rows = await self._connection.read("all_latency_days", from_day=first, to_day=last)
        else:
            rows = await self._connection.read(
                "latency_days", service_ids=list(service_ids), from_day=first, to_day=last
            )
        return await asyncio.to_thread(_latency_histories, rows)

    async def watermark(self) -> Watermark:
        """How far the hourly aggregation has come."""
        async with self._nodes.reading():
            node = await AggregationStateNode.nodes.get_or_none(name=_STATE_NAME)
        if node is None:
            return Watermark(None, None)
        return Watermark(
            node.aggregated_to,
            node.pulled_at,
            node.last_error,
            orjson.loads(node.refused or "{}"),
            orjson.loads(node.throttled or "{}"),
            {one: PercentileRange(*ends) for one, ends in orjson.loads(node.traced_p99 or "{}").items()},
        )

    async def set_watermark(self, watermark: Watermark) -> None:
        """Store it."""
        async with self._nodes.writing():
            await put(
                AggregationStateNode,
                by="name",
                name=_STATE_NAME,
                aggregated_to=watermark.aggregated_to,
                pulled_at=watermark.pulled_at,
                last_error=watermark.last_error,
                refused=orjson.dumps(dict(watermark.refused)).decode(),
                throttled=orjson.dumps(dict(watermark.throttled)).decode(),
                traced_p99=orjson.dumps(
                    {one: (r.above_seconds, r.at_most_seconds) for one, r in watermark.traced_p99.items()}
                ).decode(),
            )

    async def without_past(self) -> Sequence[str]:
        """Services whose past was never asked for."""
        return [row[0] for row in await self._connection.read("services_without_past")]

    async def note_past(self, service_ids: Sequence[str], *, now: datetime) -> None:
        """The source was asked for it."""
        await self._connection.write("note_past", service_ids=list(service_ids), now=now)

    async def prune(self, *, detail_before: datetime, all_before: datetime) -> int:
        """Drop days before ``all_before``, fold whole days before ``detail_before``; nodes touched."""
        touched = 0
        for kind in ("sli", "edge"):
            for query, before in ((f"drop_{kind}_days", all_before), (f"fold_{kind}_days", detail_before)):
                [(count,)] = await self._connection.write_in_batches(query, before_day=day_number(before))
                touched += count
                if count:
                    # A fold keeps the sums, so that whoever has not heard of it yet still counts right.
                    await self._connection.write("note_history_change", name=f"{kind}_days", first_day=0)
        await self._connection.write_in_batches("drop_latency_hours", before_day=day_number(detail_before))
        return touched


async def _stream(
    transaction: Transaction, query: str, kind: str, /, **parameters: Any
) -> dict[Key, list[DayRun]]:
    """Runs by series; arrays are made as rows arrive."""
    width = len(_KEYS[kind])
    found: dict[Key, list[DayRun]] = {}
    async for row in transaction.stream(query, **parameters):
        found.setdefault(tuple(row[:width]), []).append(DayRun.of(*row[width:]))
    return found


def _wanted(kind: str, key: Key, from_day: int) -> dict[str, Any]:
    return {**dict(zip(_KEYS[kind], key, strict=True)), "from_day": from_day}


def _joined(
    wanted: Sequence[Key], runs: Mapping[Key, Sequence[DayRun]], from_at: datetime, to_at: datetime
) -> tuple[datetime, timedelta, FloatArray, FloatArray, FloatArray | None]:
    pairs = ((row, run) for row, key in enumerate(wanted) for run in runs.get(key, ()))
    return joined(pairs, len(wanted), from_at, to_at)


def _day_range(from_at: datetime, to_at: datetime) -> tuple[int, int]:
    return day_number(from_at), day_number(to_at - timedelta(microseconds=1))


def _parameters(day: DaySeries, names: tuple[str, str], key: dict[str, str]) -> dict[str, Any]:
    return {
        **key,
        "day": day.day,
        "step_seconds": day.step_seconds,
        "is_whole": day.is_whole,
        names[0]: day.part.tolist(),
        names[1]: day.whole.tolist(),
        "coverage": None if day.coverage is None else day.coverage.tolist(),
    }


def _array(coverage: Sequence[float] | None = None) -> FloatArray | None:
    """Of calls no coverage is kept."""
    return None if coverage is None else np.array(coverage)


def _latency_rows(history: LatencyHistory) -> list[dict[str, Any]]:
    first = day_number(history.start_at)
    if history.start_at != day_start(first):
        raise Invalid(f"daily histograms of {history.service_id!r} must begin at midnight UTC")
    common = {
        "service_id": history.service_id,
        "bounds_seconds": history.bounds_seconds.tolist(),
        "percentiles_only": history.percentiles_only,
    }
    if history.percentiles_only:
        return [{**common, "day": first + day, "counts": []} for day in range(max(1, len(history.counts)))]
    known = ~np.isnan(history.counts).any(axis=1)
    return [
        {**common, "day": first + int(day), "counts": history.counts[day].tolist()}
        for day in np.flatnonzero(known)
    ]


def _latency_histories(rows: Sequence[Sequence[Any]]) -> Mapping[str, LatencyHistory]:
    by_service: dict[str, list[tuple[int, list[float], list[float], bool]]] = {}
    for service_id, bounds, percentiles_only, days, counts in rows:
        by_service.setdefault(service_id, []).extend(
            (day, bounds, values, percentiles_only) for day, values in zip(days, counts, strict=True)
        )
    return {service_id: _latency_history(service_id, days) for service_id, days in by_service.items()}


def _latency_history(
    service_id: str, days: Sequence[tuple[int, list[float], list[float], bool]]
) -> LatencyHistory:
    first = min(day[0] for day in days)
    percentiles_only = any(day[3] for day in days)
    layouts = {day[0]: tuple(day[1]) for day in days if day[2]}
    if not layouts:
        return LatencyHistory(service_id, day_start(first), np.array([np.inf]), np.empty((0, 1)), percentiles_only)
    bounds = common_bounds(layouts)
    counts = np.full((max(layouts) - first + 1, len(bounds)), np.nan)
    for number, _, values, _ in days:
        if values:
            counts[number - first] = rebucketed(layouts[number], np.array(values), bounds)
    return LatencyHistory(service_id, day_start(first), np.array(bounds), counts, percentiles_only)
