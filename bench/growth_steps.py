"""Every step on a graph that is stored, in one process: ``python -m bench.growth_steps SERVICES EDGES [cycle]``.

Settings come from the environment; the graph of ``bench.graphs`` of that size has been ingested. Prints JSON: of
each step the processor time of this process and the time it took, and the peak of this process's memory.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import neo4j
import numpy as np
import orjson

from bench.graphs import giant_cycle, layered_graph
from bench.impact import CREATE_SLOS, hubs_of, objective
from sloengine.application.impact.analyse_impact import AnalyseImpactCommand
from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.application.telemetry.load_sli import LoadSliCommand
from sloengine.application.topology.graph_measures import measure
from sloengine.application.what_if.explore_edits import ExploreEditsCommand
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.settings import Settings
from sloengine.domain.errors import TooLarge
from sloengine.domain.governance.model import Actor, Role, SloTarget
from sloengine.domain.impact.model import SloChange
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.condensation import condense
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.what_if.edits import Soften
from sloengine.infrastructure.neo4j import open_neo4j
from sloengine.infrastructure.neo4j.audit_rows import slo_properties

DAYS = 28
ACTOR = Actor("apikey:bench", Role.SRE_ADMIN)
_HOUR = timedelta(hours=1)
_SERVICES_AT_ONCE = 500
"""Of pass-through learning: so many are measured, all are told, by their mean."""
_SAMPLE = 60
"""Services that are recommended for at once: enough that the whole graph is made ready for them."""
_THREE_HOPS = 60


def main() -> int:
    """Print what was measured."""
    services, edges = int(sys.argv[1]), int(sys.argv[2])
    document = (giant_cycle if sys.argv[3:] else layered_graph)(services, edges)
    told = asyncio.run(_Steps(document).all())
    sys.stdout.buffer.write(orjson.dumps(told))
    return 0


async def load_past(use: UseCases, settings: Settings, names: Sequence[str]) -> None:
    """28 days by the hour, with failures in one hour of a hundred; objectives of two services in three."""
    rng = np.random.default_rng(1)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for first in range(0, len(names), _SERVICES_AT_ONCE):
        some = tuple(names[first : first + _SERVICES_AT_ONCE])
        shape = (len(some), DAYS * 24)
        total = rng.poisson(2_000, shape).astype(np.float64)
        rate = np.where(rng.random(shape) < 0.01, 0.05, 1e-4)
        good = total - rng.binomial(total.astype(np.int64), rate)
        panel = SliPanel(some, today - timedelta(days=DAYS), _HOUR, good, total)
        await use.load_sli(LoadSliCommand(panel), actor=ACTOR)
    slos = [
        slo_properties(objective(name, float(rng.choice([0.98, 0.99, 0.995, 0.999])), today))
        for name in names
        if rng.random() < 2 / 3
    ]
    url, user, password = settings.required_neo4j()
    with (
        neo4j.GraphDatabase.driver(url, auth=(user, password), notifications_min_severity="OFF") as driver,
        driver.session() as session,
    ):
        session.run(CREATE_SLOS, rows=slos).consume()


class _Steps:
    """What each step took, by name: processor time and time of each run, in seconds."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.names = [str(row["serviceId"]) for row in document["services"]]
        self.hubs = hubs_of(document)
        self.some = [self.names[place] for place in np.random.default_rng(7).permutation(len(self.names)).tolist()]
        self.cpu: dict[str, list[float]] = {}
        self.seconds: dict[str, list[float]] = {}
        self.notes: dict[str, str] = {}

    async def all(self) -> dict[str, Any]:
        """Load the past, then every step once or several times."""
        settings = Settings()
        url, user, password = settings.required_neo4j()
        async with open_use_cases(settings) as use, open_neo4j(url, user, password) as stores:
            began = time.monotonic()
            await load_past(use, settings, self.names)
            loaded = time.monotonic() - began
            graph = await self._timed("read the graph", stores.graph.snapshot)
            pairs = [edge.pair for edge in graph.dependencies]
            await self._timed("condense", lambda: asyncio.to_thread(condense, self.names, pairs))
            await self._timed("measures", lambda: asyncio.to_thread(measure, graph))
            await self._timed("staleness", use.mark_stale)
            await self._timed("divergences", use.detect_divergences)
            for root in self.some[:_THREE_HOPS]:
                await self._timed("three hops", partial(use.read_graph.neighbourhood, [root], depth=3))
            await self._impact(use)
            await self._what_if(use, graph)
            await self._pass_through(use)
            await self._recommend(use)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"cpu": self.cpu, "seconds": self.seconds, "notes": self.notes, "loaded": loaded, "peak_mib": peak}

    async def _timed[T](self, step: str, work: Callable[[], Awaitable[T]]) -> T:
        cpu, began = time.process_time(), time.monotonic()
        found = await work()
        self.cpu.setdefault(step, []).append(time.process_time() - cpu)
        self.seconds.setdefault(step, []).append(time.monotonic() - began)
        return found

    async def _impact(self, use: UseCases) -> None:
        async def ask(step: str, name: str) -> None:
            changes = [SloChange(name, SloTarget(ObjectiveKind.AVAILABILITY, 0.97))]
            found = await self._timed(step, lambda: use.analyse_impact(AnalyseImpactCommand(changes), actor=ACTOR))
            _ = [row.reason for row in found.rows[:50]]

        await ask("impact, first question", self.some[0])
        for name in self.some[:30]:
            await ask("impact, any service", name)
        for name in self.hubs * 3:
            await ask("impact, hubs", name)

    async def _what_if(self, use: UseCases, graph: DependencyGraph) -> None:
        """One dependency made soft, for services whose surroundings are not too large to be asked about."""
        refused = 0
        for name in self.some:
            if len(self.cpu.get("what-if", ())) >= 3 or refused >= 20:
                break
            edges = graph.edges_by_caller.get(name, ())
            if not edges:
                continue
            command = ExploreEditsCommand([Soften(*edges[0].pair)], [name])
            try:
                await self._timed("what-if", partial(use.explore_edits, command, actor=ACTOR))
            except TooLarge as error:
                refused += 1
                self.notes["what-if"] = f"{refused} refused: {error}"

    async def _pass_through(self, use: UseCases) -> None:
        async def all_callers() -> None:
            learnt = await use.learn_pass_through()
            while learnt.last is not None:
                learnt = await use.learn_pass_through(learnt.last)

        await self._timed("pass-through", all_callers)

    async def _recommend(self, use: UseCases) -> None:
        """Twice: what the second costs is the services' own, the rest of the first is making the graph ready."""
        for step, names in (
            ("made ready", self.some[:_SAMPLE]),
            (f"recommend {_SAMPLE}", self.some[_SAMPLE : 2 * _SAMPLE]),
        ):
            command = RecommendCommand(names, (SliType.AVAILABILITY,), force=True)
            await self._timed(step, partial(use.recommend, command, actor=ACTOR))
        for taken in (self.cpu, self.seconds):
            taken["made ready"] = [taken["made ready"][0] - taken[f"recommend {_SAMPLE}"][0]]


if __name__ == "__main__":
    sys.exit(main())
