"""Recommendations take over what was found of edges daily, while it may be used, and say the same with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sloengine.application.recommendation.prepared import prepare
from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.application.telemetry.load_sli import LoadSliCommand
from sloengine.domain.recommendation.model import Recommendation, SliType
from sloengine.infrastructure.memory.telemetry_source import MemoryTelemetrySource
from tests.application.organisation import ADMIN, NOW, Engine, edges, hourly_panel

TOP = NOW.replace(minute=0)


async def unmoved() -> Engine:
    """The front is declared to fail with its cart, and does not."""
    engine = Engine(MemoryTelemetrySource(hourly_panel("front", "cart", "db")))
    await engine.ingest(dependencies=edges("front>cart", "cart>db"))
    await engine.aggregate()
    return engine


async def read(engine: Engine, as_of=TOP):
    evidence = engine.use.recommend.evidence
    return await evidence.read(await evidence.scope(["front"]), as_of=as_of, filled=0)


async def test_the_same_targets_and_contradictions_with_findings_as_without():
    engine = await unmoved()
    command = RecommendCommand(["front", "cart"], force=True)
    afresh, before = await read(engine), await engine.use.recommend(command, actor=ADMIN)

    await engine.use.learn_pass_through()
    taken, after = await read(engine), await engine.use.recommend(command, actor=ADMIN)

    assert set(taken.evidence.findings) == {("front", "cart"), ("cart", "db")}
    assert afresh.evidence.findings == {}
    assert taken.reliability.pass_through.in_use == pytest.approx(afresh.reliability.pass_through.in_use, abs=1e-9)
    assert taken.reliability.contradictions == afresh.reliability.contradictions != {}
    for first, second in zip(before, after, strict=True):
        assert type(first) is type(second)
        if isinstance(first, Recommendation) and isinstance(second, Recommendation):
            assert first.tiers == second.tiers
            assert first.bound == second.bound


async def test_an_edge_that_is_declared_otherwise_since_is_learnt_again():
    engine = await unmoved()
    await engine.use.learn_pass_through()

    engine.clock.advance(timedelta(minutes=5))
    await engine.ingest(dependencies=edges("front>cart", criticality="SOFT"))
    prepared = await read(engine)

    assert set(prepared.evidence.findings) == {("cart", "db")}
    passes = prepared.reliability.pass_through
    afresh = prepare(replace(prepared.evidence, findings={})).reliability.pass_through
    front = [edge.caller for edge in prepared.reliability.edges].index("front")
    assert passes.declared[front] == 0.1
    assert passes.in_use.tolist() == afresh.in_use.tolist()


async def test_series_that_are_loaded_anew_make_findings_void_until_they_are_learnt_again():
    engine = await unmoved()
    await engine.use.learn_pass_through()
    engine.clock.advance(timedelta(minutes=5))

    await engine.use.load_sli(LoadSliCommand(hourly_panel("front", seed=4)), actor=ADMIN)
    void = await read(engine)
    engine.clock.advance(timedelta(minutes=5))
    await engine.use.learn_pass_through()
    learnt = await read(engine)

    assert void.evidence.findings == {}
    assert len(learnt.evidence.findings) == 2


async def test_a_stored_answer_is_not_given_again_after_series_were_loaded_anew():
    engine = await unmoved()
    command = RecommendCommand(["front"], sli_types=[SliType.AVAILABILITY])
    [first] = await engine.use.recommend(command, actor=ADMIN)
    engine.clock.advance(timedelta(minutes=5))
    [again] = await engine.use.recommend(command, actor=ADMIN)

    await engine.use.load_sli(LoadSliCommand(hourly_panel("front", seed=4)), actor=ADMIN)
    engine.clock.advance(timedelta(minutes=5))
    [corrected] = await engine.use.recommend(command, actor=ADMIN)

    assert again.generated_at == first.generated_at == NOW
    assert corrected.generated_at == NOW + timedelta(minutes=10)


async def test_findings_of_the_day_before_yesterday_are_not_used():
    engine = await unmoved()
    await engine.use.learn_pass_through()

    assert len((await read(engine, TOP + timedelta(hours=24))).evidence.findings) == 2
    assert (await read(engine, TOP + timedelta(hours=40))).evidence.findings == {}


async def test_findings_are_read_once_and_again_when_others_are_noted(monkeypatch):
    engine = await unmoved()
    await engine.use.learn_pass_through()
    reads: list[list[str]] = []
    read_findings = engine.graph.pass_through_findings

    async def counted(callers):
        reads.append(list(callers))
        return await read_findings(callers)

    monkeypatch.setattr(engine.graph, "pass_through_findings", counted)
    findings = engine.use.recommend.evidence.findings
    whole = await engine.graph.snapshot()
    first = await findings.standing(whole, ["front", "cart"], TOP)
    await findings.standing(whole, ["front"], TOP)
    pair = ("front", "cart")
    await engine.graph.note_pass_through([pair], {pair: replace(first[pair], in_use=0.25)})
    newer = await findings.standing(whole, ["front"], TOP)

    assert reads == [["front", "cart"], ["front"]]
    assert newer[pair].in_use == 0.25
