"""The hourly aggregation of a whole organisation from a real Prometheus, against asking and writing alone."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import httpx
import neo4j
import orjson

from bench.graphs import layered_graph
from bench.merging import merged_here
from bench.prometheus import Counters, prometheus, queries_served
from bench.rows import Goal, Report, Row
from bench.stage import Stage, stage
from sloengine.application.ports.sli_history import Watermark
from sloengine.application.ports.telemetry_source import Pulled
from sloengine.application.telemetry.aggregate_telemetry import AggregateTelemetryCommand, AggregationReport
from sloengine.application.telemetry.pulled_hours import in_days
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.container import UseCases

SECTION = "aggregate"
HOUR = timedelta(hours=1)
HOUR_OF_DAY = 6
"""Latency is kept per day, so an hour is pulled with the ones of its day before it: this many in all."""
STEP = timedelta(minutes=15)
_ROWS_AT_ONCE = 5_000

_SLI_DAYS = """
UNWIND $rows AS row
MERGE (day:SliDay {service_id: row.service_id, sli: row.sli, day: date(row.day)})
SET day += row.properties
WITH row, day
MATCH (service:Service {service_id: row.service_id})
CREATE (service)-[:HAS_SLI]->(day)
"""
_EDGE_DAYS = """
UNWIND $rows AS row
MERGE (day:EdgeDay {caller: row.caller, dependency: row.dependency, day: date(row.day)})
SET day += row.properties
"""


@dataclass(frozen=True)
class Size:
    """Services, edges with service-graph metrics."""

    services: int
    edges: int


SIZES, QUICK_SIZES = (Size(1_250, 2_500), Size(5_000, 10_000)), (Size(60, 120),)


def run(report: Report, *, quick: bool) -> None:
    """All sizes; the goals are those of the largest."""
    sizes = QUICK_SIZES if quick else SIZES
    growth: list[float] = []
    for size in sizes:
        growth.append(_measure(report, size, is_goal=size == sizes[-1]))
    if len(growth) > 1:
        what = f"CPU of this process, from {sizes[0].services:,} to {sizes[-1].services:,} services"
        report.add(Row(SECTION, what, [growth[-1] / growth[0]], "×"))


def _measure(report: Report, size: Size, *, is_goal: bool) -> float:
    document = layered_graph(size.services, size.edges)
    service_ids = [row["serviceId"] for row in document["services"]]
    edges = [(row["caller"], row["dependency"]) for row in document["dependencies"]]
    newest = datetime.now(UTC) - HOUR_OF_DAY * HOUR  # its day, so that conventions are found in the last 24 h
    midnight = newest.replace(hour=0, minute=0, second=0, microsecond=0)
    until = midnight + HOUR_OF_DAY * HOUR
    with ExitStack() as stack:
        url = stack.enter_context(prometheus(Counters(service_ids, midnight - HOUR, until, STEP, edges)))
        on = stack.enter_context(stage(prometheus_url=url, heap_mb=2_048))
        # The first writes of a JVM and a server's first queries are slow, for whomever they are.
        asyncio.run(_merge(on, document))
        asyncio.run(_aggregate(on, until))
        on.empty()
        asyncio.run(_merge(on, document))
        asked = queries_served(url)
        done, seconds, cpu, pulled = asyncio.run(_aggregate(on, until))
        served = queries_served(url) - asked
        alone, answered = _queries_alone(url, pulled.queries, midnight, until)
        on.empty()
        asyncio.run(_merge(on, document))
        with on.driver() as driver:
            written = _writes_alone(driver, pulled, service_ids)
    if done.services != size.services or done.error:
        raise RuntimeError(f"aggregated {done.services} services: {done.error}")
    what = f"{size.services:,} services, {size.edges:,} edges, {HOUR_OF_DAY} h of a day, as new"
    note = (
        f"{cpu:.1f} s CPU in this process; baseline: queries {alone:.1f} s ({answered / 1e6:.0f} MB of answers), "
        f"writes {written:.1f} s"
    )
    goal = Goal(60.0) if is_goal else None
    report.add(Row(SECTION, what, [seconds], "s", goal, ("same queries, raw writes", [alone + written]), note))
    counted = Goal(100.0) if is_goal else None
    report.add(Row(SECTION, "queries, as the server counts them", [float(served)], "queries", counted))
    return cpu


async def _merge(on: Stage, document: dict[str, list[dict[str, object]]]) -> None:
    async with open_use_cases(on.settings) as use_cases:
        await merged_here(use_cases, document)


async def _aggregate(on: Stage, until: datetime) -> tuple[AggregationReport, float, float, Pulled]:
    async with open_use_cases(on.settings) as use_cases:
        pulled = _kept(use_cases)
        history = use_cases.aggregate_telemetry.history
        # An hour's pass: not the ninety days before it, which are read in once for services that are new.
        await history.note_past(await history.without_past(), now=until)
        await history.set_watermark(Watermark(until - HOUR, until))
        began, cpu = time.perf_counter(), _cpu()
        report = await use_cases.aggregate_telemetry(AggregateTelemetryCommand(until=until))
        return report, time.perf_counter() - began, _cpu() - cpu, pulled[0]


def _kept(use_cases: UseCases) -> list[Pulled]:
    """What the source gives from now on, for the baseline."""
    kept: list[Pulled] = []
    source: Any = use_cases.aggregate_telemetry.source
    pull = source.pull

    async def noted(*arguments: Any, **named: Any) -> Pulled:
        kept.append(await pull(*arguments, **named))
        return kept[-1]

    source.pull = noted
    return kept


def _queries_alone(url: str, queries: Sequence[str], start: datetime, end: datetime) -> tuple[float, int]:
    """Seconds of asking the same, four at once, and bytes of the answers, which are read as JSON."""

    async def ask() -> int:
        places = asyncio.Semaphore(4)
        async with httpx.AsyncClient(base_url=url, timeout=120, trust_env=False) as http:

            async def one(query: str) -> int:
                async with places:
                    form = {
                        "query": query,
                        "start": str((start + HOUR).timestamp()),
                        "end": str(end.timestamp()),
                        "step": "3600",
                    }
                    answer = (await http.post("/api/v1/query_range", data=form)).raise_for_status()
                orjson.loads(answer.content)
                return len(answer.content)

            return sum(await asyncio.gather(*(one(query) for query in queries)))

    began = time.perf_counter()
    size = asyncio.run(ask())
    return time.perf_counter() - began, size


def _writes_alone(driver: neo4j.Driver, pulled: Pulled, service_ids: Sequence[str]) -> float:
    """Seconds of writing the same nodes, parameters built beforehand."""
    known = set(service_ids)
    work: list[tuple[LiteralString, list[dict[str, Any]]]] = [
        (_SLI_DAYS, [row for row in _sli_rows(pulled) if row["service_id"] in known]),
        (_EDGE_DAYS, list(_edge_rows(pulled))),
    ]
    with driver.session() as session:
        began = time.perf_counter()
        for query, rows in work:
            for first in range(0, len(rows), _ROWS_AT_ONCE):
                session.execute_write(_written, query, rows[first : first + _ROWS_AT_ONCE])
        return time.perf_counter() - began


def _written(transaction: neo4j.ManagedTransaction, query: LiteralString, rows: list[dict[str, Any]]) -> None:
    transaction.run(query, rows=rows).consume()


def _sli_rows(pulled: Pulled) -> Iterator[dict[str, Any]]:
    panel = pulled.availability
    day = panel.start_at.date().isoformat()
    rest = [float("nan")] * (24 - panel.total.shape[1])
    for row, service_id in enumerate(panel.service_ids):
        good, total = panel.good[row].tolist() + rest, panel.total[row].tolist() + rest
        properties = {"step_seconds": 3600, "good": good, "total": total}
        yield {"service_id": service_id, "sli": "AVAILABILITY", "day": day, "properties": properties}
    for service_id, hourly in pulled.latency.items():
        whole = in_days(hourly)
        properties = {
            "bounds_seconds": whole.bounds_seconds.tolist(),
            "counts": whole.counts[0].tolist(),
            "percentiles_only": False,
        }
        yield {"service_id": service_id, "sli": "LATENCY", "day": day, "properties": properties}


def _edge_rows(pulled: Pulled) -> Iterator[dict[str, Any]]:
    edges = pulled.edges
    if edges is None:
        return
    day = edges.start_at.date().isoformat()
    rest = [float("nan")] * (24 - edges.calls.shape[1])
    for row, (caller, dependency) in enumerate(edges.pairs):
        failed, calls = edges.failed[row].tolist() + rest, edges.calls[row].tolist() + rest
        properties = {"step_seconds": 3600, "failed": failed, "calls": calls}
        yield {"caller": caller, "dependency": dependency, "day": day, "properties": properties}


def _cpu() -> float:
    times = os.times()
    return times.user + times.system
