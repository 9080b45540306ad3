"""What a what-if costs on a large graph: ``python -m bench.what_if_alone SERVICES EDGES [cycle]``; no server.

90 days hourly of every service, in memory; 10,000 and 100,000 unless given. Prints processor time of the process
and peak memory beyond what is stored, before the daily learning of pass-through and after it. What reading from
Neo4j adds is in ``bench growth``.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import cast

import numpy as np

from bench.graphs import giant_cycle, layered_graph
from bench.living_graph import DAYS, NOW, _drawn, _History, _panel
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.recommendation.evidence_reader import EvidenceReader
from sloengine.application.recommendation.learnt_priors import CurrentPriors
from sloengine.application.topology.graph_snapshots import GraphSnapshots
from sloengine.application.topology.learn_pass_through import LearnPassThrough
from sloengine.application.topology.learnt_findings import LearntFindings
from sloengine.application.what_if.explore_edits import ExploreEdits, ExploreEditsCommand
from sloengine.domain.errors import TooLarge
from sloengine.domain.governance.model import Actor, Role
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import LatencyHistory
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.what_if.edits import GraphEdit, Improve, Soften
from sloengine.infrastructure.memory import MemoryStores, open_memory
from sloengine.infrastructure.memory.small_stores import SetClock

ACTOR = Actor("apikey:bench", Role.VIEWER)
_SOME = 5


class _Stored(_History):
    async def read_latency(self, *_: object) -> dict[str, LatencyHistory]:
        return {}


async def measured(services: int, edges: int, *, is_cycle: bool) -> None:
    """Print all figures."""
    clock = SetClock(NOW)
    stores = open_memory(clock)
    await _drawn(stores, (giant_cycle if is_cycle else layered_graph)(services, edges))
    history = cast("SliHistory", _Stored(_panel(sorted(stores.database.services))))
    graph = await stores.graph.snapshot()
    use = _use(stores, history, clock)
    print(f"{services:,} services, {len(graph.dependencies):,} edges; {_resident_mb():,.0f} MB with all series")
    await _asked(use, graph, is_cycle=is_cycle)
    learn = LearnPassThrough(stores.graph, history, clock, DAYS)
    learnt = await learn()
    while learnt.last is not None:
        learnt = await learn(learnt.last)
    print("with the findings of the day:")
    await _asked(use, graph, is_cycle=is_cycle)


def _use(stores: MemoryStores, history: SliHistory, clock: SetClock) -> ExploreEdits:
    settings = EngineSettings()
    evidence = EvidenceReader(
        GraphSnapshots(stores.graph),
        history,
        stores.ledger,
        CurrentPriors(stores.priors, stores.calibrations),
        clock,
        stores.drift,
        LearntFindings(stores.graph, timedelta(days=settings.lookback_days)),
        settings,
    )
    return ExploreEdits(evidence, clock, settings)


async def _asked(use: ExploreEdits, graph: DependencyGraph, *, is_cycle: bool) -> None:
    names = [service.service_id for service in graph.services]
    order = np.random.default_rng(7).permutation(len(names)).tolist()
    some = [names[place] for place in order if names[place] in graph.edges_by_caller][: 1 if is_cycle else _SOME]
    for name in some:
        edges = graph.edges_by_caller[name]
        await _ask(use, [Soften(*edges[0].pair), Improve(edges[-1].dependency, 0.9999)], [name])
    if not is_cycle:
        await _ask(use, [Soften(*graph.edges_by_caller[names[0]][0].pair)], names[:20])


async def _ask(use: ExploreEdits, edits: Sequence[GraphEdit], focus: Sequence[str]) -> None:
    scope = await use.evidence.scope(focus)
    around = f"{len(scope.service_ids):,} services around, {len(scope.kept):,} kept"
    _peak_anew()
    before, resident = time.process_time(), _resident_mb()
    try:
        found = await use(ExploreEditsCommand(edits, focus), actor=ACTOR)
        said = f"{found.budget_minutes_gained:.3g} minutes gained"
    except TooLarge as refused:
        said = f"refused: {refused}"
    taken = time.process_time() - before
    print(
        f"{len(focus)} in focus, {around}: {taken:.1f} s CPU, {_peak_mb() - resident:,.0f} MB; {said}", flush=True
    )


def _peak_anew() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _resident_mb() -> float:
    return _status("VmRSS")


def _peak_mb() -> float:
    return _status("VmHWM")


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(name))) / 1024


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    size = (given[0], given[1]) if given else (10_000, 100_000)
    asyncio.run(measured(*size, is_cycle="cycle" in sys.argv))
