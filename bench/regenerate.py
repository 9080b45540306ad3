"""A recommendation made anew: missing hours pulled from a live Prometheus, then computed, stored and cached."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import numpy as np

from bench.all_services import ACTOR, HOUR, learn_pass_through, synthetic_histories, synthetic_panel
from bench.graphs import layered_graph
from bench.merging import merged_here
from bench.prometheus import Counters, prometheus
from bench.rows import Goal, Report, Row
from bench.stage import stage
from sloengine.application.ports.sli_history import Watermark
from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.application.telemetry.load_sli import LoadSliCommand
from sloengine.bootstrap.collector import settle_collector
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.settings import Settings
from sloengine.domain.recommendation.model import Recommendation, SliType

SECTION = "regenerate"
MISSING_HOURS = 6
STEP = timedelta(minutes=5)


def run(report: Report, *, quick: bool) -> None:
    """Each service once, so that its hours are missing each time; and again, with nothing missing."""
    services, edges, asked = (40, 160, 5) if quick else (400, 2_000, 100)
    now_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    document = layered_graph(services, edges)
    service_ids = [row["serviceId"] for row in document["services"]]
    with ExitStack() as stack:
        start = now_hour - (MISSING_HOURS + 2) * HOUR
        url = stack.enter_context(prometheus(Counters(service_ids, start, now_hour, STEP)))
        on = stack.enter_context(stage(prometheus_url=url))
        pulled, again, queries = asyncio.run(_measure(on.settings, document, service_ids, now_hour, asked))
    what = f"{MISSING_HOURS} missing hours from Prometheus, then both SLIs; {services:,} services, {edges:,} edges"
    report.add(Row(SECTION, what, pulled, "ms", Goal(500.0, quantile=0.95), ("nothing missing", again)))
    report.add(Row(SECTION, "queries to Prometheus a recommendation", queries, "queries"))


async def _measure(
    settings: Settings,
    document: dict[str, list[dict[str, object]]],
    service_ids: list[str],
    now: datetime,
    asked: int,
) -> tuple[list[float], list[float], list[float]]:
    async with open_use_cases(settings) as use_cases:
        await merged_here(use_cases, document)
        until = now - MISSING_HOURS * HOUR
        random = np.random.default_rng(5)
        await use_cases.load_sli(_history(service_ids, until, random), actor=ACTOR)
        await use_cases.aggregate_telemetry.history.set_watermark(Watermark(until, until))
        await use_cases.learn_priors()
        await learn_pass_through(use_cases)
        picked = [str(name) for name in random.permutation(service_ids)[: asked + 2]]
        settle_collector()  # as the API does
        # The first ones open connections and find out what Prometheus has.
        for service_id in picked[:2]:
            await _regenerate(use_cases, service_id)
        pulled, queries = [], []
        client = use_cases.aggregate_telemetry.source.client  # type: ignore[union-attr]
        for service_id in picked[2:]:
            use_cases.recommend.missing_hours.forget()
            before = client.query_count
            pulled.append(await _regenerate(use_cases, service_id))
            queries.append(float(client.query_count - before))
        again = []
        for service_id in picked[2:]:
            scope = await use_cases.recommend.evidence.scope([service_id])
            await use_cases.recommend.missing_hours(scope.service_ids, scope.asked)
            again.append(await _regenerate(use_cases, service_id))
        return pulled, again, queries


def _history(service_ids: list[str], until: datetime, random: np.random.Generator) -> LoadSliCommand:
    midnight = until.replace(hour=0)
    panel = synthetic_panel(service_ids, midnight, random)
    return LoadSliCommand(panel, synthetic_histories(service_ids, midnight, random))


async def _regenerate(use_cases: UseCases, service_id: str) -> float:
    began = time.perf_counter()
    results = await use_cases.recommend(RecommendCommand([service_id], force=True), actor=ACTOR)
    taken = 1_000 * (time.perf_counter() - began)
    by_type = {result.sli_type: result for result in results}
    if not isinstance(by_type[SliType.AVAILABILITY], Recommendation):
        raise RuntimeError(f"no recommendation to measure: {by_type[SliType.AVAILABILITY]}")  # noqa: TRY004
    return taken
