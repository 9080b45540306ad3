"""What telemetry says of edges, learnt in portions and kept beside them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sloengine.application.topology.learn_pass_through import LearnPassThrough
from sloengine.domain.topology.graph_reliability import learn_reliability
from tests.application.organisation import NOW, Engine, edges, shop


def learning(engine: Engine, **what: int) -> LearnPassThrough:
    return LearnPassThrough(engine.graph, engine.history, engine.clock, 90, **what)


async def test_a_failure_that_always_reaches_its_caller_is_measured_as_1():
    engine = await shop()
    version = engine.db.version

    learnt = await engine.use.learn_pass_through()

    assert (learnt.edges, learnt.measured, learnt.last) == (2, 2, None)
    found = await engine.use.read_graph.measured_pass_through([("front", "cart"), ("cart", "db"), ("x", "y")])
    assert set(found) == {("front", "cart"), ("cart", "db")}
    assert all(one.high == pytest.approx(1.0, abs=0.05) and one.value > 0.9 for one in found.values())
    assert engine.db.version == version


async def test_portions_find_what_one_pass_over_the_whole_graph_finds():
    engine = await shop()
    await engine.ingest(dependencies=edges("front>db", "other>cart"))
    graph = await engine.graph.snapshot()
    end = NOW.replace(minute=0)
    panel = await engine.history.read(None, end - timedelta(days=90), end)
    whole = learn_reliability(graph, panel)

    after, portions = None, 0
    while True:
        learnt = await learning(engine, services_at_once=2)(after)
        after, portions = learnt.last, portions + 1
        if after is None:
            break

    assert portions == 3
    assert whole.measured_pass_through
    found = engine.db.pass_through
    assert {pair: one.measured for pair, one in found.items() if one.measured} == whole.measured_pass_through
    assert [found[edge.pair].in_use for edge in whole.edges] == whole.pass_through.in_use.tolist()


async def test_evidence_that_is_gone_takes_its_figure_along_and_merging_does_not():
    engine = await shop()
    await engine.use.learn_pass_through()
    kept = dict(engine.db.pass_through)

    await engine.ingest(dependencies=edges("front>cart", criticality="SOFT"))
    assert engine.db.pass_through == kept

    engine.clock.advance(timedelta(days=100))
    assert (await engine.use.learn_pass_through()).measured == 0
    assert [one.measured for one in engine.db.pass_through.values()] == [None, None]


async def test_an_empty_graph_has_nothing_to_learn():
    assert (await Engine().use.learn_pass_through()).edges == 0
