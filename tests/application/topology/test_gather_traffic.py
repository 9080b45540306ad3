"""Findings of callers learnt from gathered series are those of the whole graph learnt in one piece."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest

from sloengine.application.topology import gather_traffic, learn_pass_through
from sloengine.application.topology.learn_pass_through import LearnPassThrough
from sloengine.domain.recommendation.telemetry_checks import inspect
from sloengine.domain.reliability.panel import EdgePanel, SliPanel
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.graph_reliability import learn_reliability
from sloengine.domain.topology.pass_through import findings_of
from sloengine.domain.topology.pass_through_finding import PassThroughBases, PassThroughFinding, Verdict
from sloengine.domain.topology.service import Service
from tests.application.organisation import DAY, HOUR, NOW, Engine

DAYS, SERVICES, EDGES = 20, 24, 80
END = NOW.replace(minute=0)
START = END - DAYS * DAY


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("daily", [False, True])
async def test_findings_are_those_of_the_whole_graph(seed, daily, monkeypatch):
    engine = await drawn(seed, "s05" if daily else None)
    whole = await learnt_at_once(engine)
    monkeypatch.setattr(gather_traffic, "SERVICES_READ_AT_ONCE", 5)
    monkeypatch.setattr(gather_traffic, "EDGES_READ_AT_ONCE", 3)
    monkeypatch.setattr(learn_pass_through, "CALLERS_AT_ONCE", 4)

    runs, after = 0, None
    while runs == 0 or after is not None:
        services_at_once = 10_000 if daily else 14
        learn = LearnPassThrough(engine.graph, engine.history, engine.clock, DAYS, services_at_once)
        after, runs = (await learn(after)).last, runs + 1

    assert (runs > 2) is not daily
    found = engine.db.pass_through
    assert found.keys() == whole.keys()
    for pair, expected in whole.items():
        assert_same(found[pair], expected)
    verdicts = {one.verdict for one in whole.values()}
    assert Verdict.DECLARED in verdicts
    if not daily:
        assert verdicts & {Verdict.LESS, Verdict.CONTRADICTED}
        assert any(one.seen for pair, one in whole.items() if pair[1] == SILENT), "its callers count its calls"
    assert any(not one.seen for one in whole.values()), "what never works is not believed"


async def test_each_series_is_read_once_in_a_run(monkeypatch):
    engine = await drawn(1)
    monkeypatch.setattr(learn_pass_through, "CALLERS_AT_ONCE", 2)
    counting = Counting(engine)

    await LearnPassThrough(engine.graph, counting, engine.clock, DAYS)()

    assert sorted(counting.services) == sorted({end for pair in engine.db.merged for end in pair})
    into_silent = [pair for pair in engine.db.merged if pair[1] == SILENT]
    assert sorted(counting.pairs) == sorted([*engine.db.merged, *into_silent])


SILENT, NEVER_WORKS, STUCK = "s20", "s21", "s22"


async def drawn(seed: int, daily: str | None = None) -> Engine:
    """Random calls with cycles, hubs, groups, tries, weights and counted calls; some series cannot be true."""
    rng = np.random.default_rng([99, seed])
    engine = Engine()
    ids = [f"s{place:02}" for place in range(SERVICES)]
    engine.db.services.update({service_id: Service(service_id) for service_id in ids})
    popularity = 1.0 / np.arange(1, SERVICES + 1)[rng.permutation(SERVICES)]
    pairs: set[tuple[str, str]] = {("s01", SILENT), ("s02", SILENT), ("s03", NEVER_WORKS), (NEVER_WORKS, "s04")}
    while len(pairs) < EDGES:
        caller, called = int(rng.integers(SERVICES)), int(rng.choice(SERVICES, p=popularity / popularity.sum()))
        if caller != called and ids[caller] != STUCK:
            pairs.add((ids[caller], ids[called]))
    for caller, called in sorted(pairs):
        is_grouped = rng.random() < 0.1
        engine.db.merged[caller, called] = Dependency(
            caller,
            called,
            DependencyMode.ASYNC if rng.random() < 0.05 else DependencyMode.SYNC,
            list(DependencyCriticality)[int(rng.integers(3))],
            call_weight=rng.choice([None, 0.25, 1.0, 2.0]),
            retry_config={"attempts": 3} if rng.random() < 0.25 else None,
            redundancy_group="replicas" if is_grouped else None,
            required=1 if is_grouped else None,
            is_stale=bool(rng.random() < 0.05) and SILENT not in (caller, called),
        )
    await write_series(engine, ids, rng, daily)
    return engine


async def write_series(engine: Engine, ids: Sequence[str], rng: np.random.Generator, daily: str | None) -> None:
    hours = DAYS * 24
    total = rng.poisson(2_000, (SERVICES, hours)).astype(float)
    own = np.where(rng.random(total.shape) < 0.03, 0.05, 2e-4)
    bad = rng.binomial(total.astype(int), own).astype(float)
    passed = {pair: rng.choice([0.0, 0.3, 1.0]) for pair in engine.db.merged}
    rows = {service_id: row for row, service_id in enumerate(ids)}
    first = bad.copy()
    for (caller, called), share in passed.items():
        bad[rows[caller]] += np.round(share * first[rows[called]])
    bad = np.minimum(bad, total)
    bad[rows[NEVER_WORKS]] = total[rows[NEVER_WORKS]]
    total[rows["s07"]], bad[rows["s07"]] = total[rows["s06"]], bad[rows["s06"]]  # two names of one thing
    total[rows["s08"], : hours // 3] = np.nan  # came later
    good = total - bad
    good[rows["s09"], 5] = total[rows["s09"], 5] * 2  # cannot be
    total[rows[STUCK]] += np.arange(hours)
    good[rows[STUCK]] = total[rows[STUCK]] * 0.875
    for service_id in ids:
        if service_id in (SILENT, daily):
            continue
        row = [rows[service_id]]
        await engine.history.write(SliPanel((service_id,), START, HOUR, good[row], total[row]))
    if daily is not None:
        asked = np.full((1, DAYS - 1), 48_000.0)
        await engine.history.write(SliPanel((daily,), START.replace(hour=0) + DAY, DAY, asked - 1_000.0, asked))
    counted = [pair for pair in sorted(engine.db.merged) if pair[1] == SILENT or rng.random() < 0.25]
    calls = rng.poisson(900, (len(counted), hours)).astype(float)
    failed = rng.binomial(calls.astype(int), np.where(rng.random(calls.shape) < 0.05, 0.05, 1e-3)).astype(float)
    await engine.history.write_edges(EdgePanel(tuple(counted), START, HOUR, calls, failed))


async def learnt_at_once(engine: Engine) -> dict[tuple[str, str], PassThroughFinding]:
    """As a request does that finds nothing kept."""
    graph = await engine.graph.snapshot()
    panel = await engine.history.read([service.service_id for service in graph.services], START, END)
    counts = await engine.history.read_edges([edge.pair for edge in graph.dependencies], START, END)
    checked = inspect(panel, graph)
    learnt = learn_reliability(graph, checked.cleaned, counts, checked.refused)
    bases = PassThroughBases(graph, timedelta(days=DAYS))
    callers = graph.edges_by_caller.keys()
    return findings_of(learnt.traffic, learnt.pass_through, checked.refused, bases.of, engine.clock.now(), callers)


def assert_same(found: PassThroughFinding, expected: PassThroughFinding) -> None:
    assert (found.verdict, found.seen, found.basis) == (expected.verdict, expected.seen, expected.basis)
    assert found.in_use == pytest.approx(expected.in_use, rel=1e-6)
    assert found.failed_calls == pytest.approx(expected.failed_calls, rel=1e-9)
    assert (found.measured is None) is (expected.measured is None)
    if found.measured is not None and expected.measured is not None:
        for figure in ("value", "low", "high"):
            assert getattr(found.measured, figure) == pytest.approx(
                getattr(expected.measured, figure), rel=1e-6, abs=1e-9
            )


class Counting:
    """A history that notes what is read."""

    def __init__(self, engine: Engine) -> None:
        self._history = engine.history
        self.services: list[str] = []
        self.pairs: list[tuple[str, str]] = []

    async def read(self, service_ids: Sequence[str], from_at: datetime, to_at: datetime) -> SliPanel:
        self.services += service_ids
        return await self._history.read(service_ids, from_at, to_at)

    async def read_edges(
        self, pairs: Sequence[tuple[str, str]], from_at: datetime, to_at: datetime
    ) -> EdgePanel | None:
        self.pairs += pairs
        return await self._history.read_edges(pairs, from_at, to_at)
