"""Impact analysis: through the API at 5,000 services, and how the arithmetic alone grows with the graph.

Questions are about random services and about hubs, whose callers are nearly everybody: the hard case. Two services
in three have an objective. The arithmetic runs in processes of its own, so that peak memory is that of one size.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import log
from typing import Any

import httpx
import numpy as np
import orjson

from bench.graphs import layered_graph
from bench.merging import merged_here
from bench.rows import Goal, Report, Row
from bench.stage import KEY, Stage, stage
from sloengine.application.telemetry.load_sli import LoadSliCommand
from sloengine.bootstrap.connections import open_use_cases
from sloengine.domain.governance.model import Actor, Role, Slo, SloSource, SloTarget
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.infrastructure.neo4j.audit_rows import slo_properties

SECTION = "impact"
GOAL_MS = 200.0
HUBS = 10
DAYS = 28
ACTOR = Actor("apikey:bench", Role.SRE_ADMIN)
_QUERY = """
query Impact($changes: [SloChangeInput!]!) {
  impactAnalysis(changes: $changes) {
    rows {
      nodes { service { serviceId } kind violates boundBeforePercent boundAfterPercent marginChange path reason }
      totalCount
    }
    teams summary graphVersion
  }
}
"""
CREATE_SLOS = """
UNWIND $rows AS row
CREATE (slo:Slo) SET slo = row SET slo:ActiveSlo
"""


@dataclass(frozen=True)
class Size:
    """Services and edges."""

    services: int
    edges: int


GROWTH = (Size(2_500, 25_000), Size(5_000, 50_000), Size(10_000, 100_000))
QUICK_GROWTH = (Size(200, 1_000), Size(400, 2_000))


def run(report: Report, *, quick: bool) -> None:
    """Growth first, then the API."""
    sizes = QUICK_GROWTH if quick else GROWTH
    found = [_alone(size) for size in sizes]
    for size, one in zip(sizes, found, strict=True):
        what = f"{size.services:,} services, {size.edges:,} edges, arithmetic alone"
        note = (
            f"made ready in {one['ready_cpu']:.2f} s CPU; peak {one['peak_mib']:.0f} MiB, before it "
            f"{one['before_mib']:.0f} MiB; callers per answer: median {one['callers']:.0f}, hubs "
            f"{one['hub_callers']:.0f}"
        )
        report.add(Row(SECTION, f"{what}, any service", one["cpu_ms"], "ms", note=note))
        report.add(Row(SECTION, f"{what}, hubs", one["hub_cpu_ms"], "ms"))
    for before, after, small, large in zip(sizes, sizes[1:], found, found[1:], strict=False):
        ratio = after.services / before.services
        limit = ratio * log(after.services) / log(before.services)
        grown = float(np.median(large["hub_cpu_ms"]) / np.median(small["hub_cpu_ms"]))
        what = f"CPU of hubs' answers, from {before.services:,} to {after.services:,} services"
        report.add(Row(SECTION, what, [grown], "×", Goal(limit), note=f"n log n: {limit:.2f} ×"))
        ready = large["ready_cpu"] / small["ready_cpu"]
        report.add(Row(SECTION, f"the same of making ready, from {before.services:,}", [ready], "×"))
    cycle = _alone(Size(200, 1_000) if quick else GROWTH[1], cycle=True)
    report.add(Row(SECTION, "a graph that is one cycle, arithmetic alone", cycle["cpu_ms"], "ms"))
    _through_the_api(report, QUICK_GROWTH[0] if quick else GROWTH[1], 10 if quick else 60)


def _alone(size: Size, *, cycle: bool = False) -> dict[str, Any]:
    """Measured by ``bench.impact_alone`` in a process of its own."""
    arguments = [str(size.services), str(size.edges), *(["cycle"] if cycle else [])]
    done = subprocess.run(
        [sys.executable, "-m", "bench.impact_alone", *arguments],
        capture_output=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    answer: dict[str, Any] = orjson.loads(done.stdout)
    return answer


def _through_the_api(report: Report, size: Size, asked: int) -> None:
    document = layered_graph(size.services, size.edges)
    names = [str(row["serviceId"]) for row in document["services"]]
    hubs = hubs_of(document)
    some = [names[place] for place in np.random.default_rng(7).permutation(len(names))[:asked]]
    with stage(heap_mb=2_048) as on:
        asyncio.run(prepare_impact(on, document))
        with on.api() as url:
            first, _ = ask_impact(on, url, some[:1])
            usual, cpu_ms = ask_impact(on, url, some)
            hard, hard_cpu_ms = ask_impact(on, url, hubs * 3)
    what = f"{size.services:,} services, {size.edges:,} edges, through GraphQL"
    goal = Goal(GOAL_MS, quantile=0.95)
    note = f"the first question of a process, which reads {DAYS} days, took {first[0]:,.0f} ms"
    report.add(Row(SECTION, f"{what}, any service", usual, "ms", goal, note=note))
    report.add(Row(SECTION, f"{what}, hubs", hard, "ms", goal))
    report.add(Row(SECTION, "processor time of the API per answer", [cpu_ms, hard_cpu_ms], "ms"))


def hubs_of(document: Mapping[str, Any]) -> list[str]:
    """Services with the most callers of a graph."""
    called = np.unique([row["dependency"] for row in document["dependencies"]], return_counts=True)
    return [str(called[0][place]) for place in np.argsort(-called[1], kind="stable")[:HUBS]]


async def prepare_impact(on: Stage, document: dict[str, Any]) -> None:
    """Store the graph, a past of ``DAYS`` for each service, and an objective for two in three."""
    names = [str(row["serviceId"]) for row in document["services"]]
    rng = np.random.default_rng(1)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    total = np.full((len(names), DAYS), 1e6)
    failed = np.round(total * rng.lognormal(-8, 1, (len(names), 1)))
    async with open_use_cases(on.settings) as use_cases:
        await merged_here(use_cases, document)
        for first in range(0, len(names), 1_000):
            some = slice(first, first + 1_000)
            panel = SliPanel(
                tuple(names[some]),
                today - timedelta(days=DAYS),
                timedelta(days=1),
                (total - failed)[some],
                total[some],
            )
            await use_cases.load_sli(LoadSliCommand(panel), actor=ACTOR)
    slos = [
        slo_properties(objective(name, float(rng.choice([0.98, 0.99, 0.995, 0.999])), today))
        for name in names
        if rng.random() < 2 / 3
    ]
    with on.driver() as driver, driver.session() as session:
        session.run(CREATE_SLOS, rows=slos).consume()


def objective(service_id: str, ratio: float, at: datetime) -> Slo:
    """An availability objective."""
    return Slo(
        slo_id=f"slo-{service_id}",
        service_id=service_id,
        sli_type=SliType.AVAILABILITY,
        window=ComplianceWindow.ROLLING_28D,
        targets=(SloTarget(ObjectiveKind.AVAILABILITY, ratio),),
        source=SloSource.MANUAL,
        activated_at=at,
        activated_by="bench",
    )


def ask_impact(on: Stage, url: str, names: Sequence[str]) -> tuple[list[float], float]:
    """Milliseconds that the client waits, and the processor time of the API per answer."""
    taken: list[float] = []
    with httpx.Client(base_url=url, headers={"X-API-Key": KEY}, timeout=120, trust_env=False) as client:
        before = on.cpu_seconds("api")
        for name in names:
            changes = [{"serviceId": name, "kind": "AVAILABILITY", "availabilityPercent": 97}]
            began = time.perf_counter()
            answer = client.post("/graphql", json={"query": _QUERY, "variables": {"changes": changes}}).json()
            taken.append(1_000 * (time.perf_counter() - began))
            if "errors" in answer:
                raise RuntimeError(answer["errors"][0]["message"])
        return taken, 1_000 * (on.cpu_seconds("api") - before) / len(names)
