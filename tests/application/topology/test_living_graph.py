"""The merged graph is what its sources say, in whatever order and however often they say it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.application.topology.update_alert import UpdateAlertCommand
from sloengine.domain.recommendation.model import Recommendation, SliType
from sloengine.domain.topology.condensation import condense
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import AlertStatus, JobStatus
from tests.application.organisation import ADMIN, NOW, Engine, edges, shop
from tests.application.topology.statements import Pair, Statement, expected, statements

MANUAL, OTEL = DiscoverySource.MANUAL, DiscoverySource.OTEL
FADED = 0.0101
"""Confidence is written again when it has faded by a hundredth."""


async def after(said: Sequence[Statement], waited: float) -> Engine:
    """An engine that was told all of this, so many days later."""
    engine = Engine()
    for statement in said:
        ended = await engine.ingest(**statement.given(NOW))
        assert ended.status is JobStatus.SUCCEEDED
    engine.clock.advance(timedelta(days=waited))
    await engine.use.mark_stale()
    return engine


def sources_of(engine: Engine) -> dict[Pair, set[DiscoverySource]]:
    found: dict[Pair, set[DiscoverySource]] = {}
    for caller, dependency, source in engine.db.claims:
        found.setdefault((caller, dependency), set()).add(source)
    return found


@settings(max_examples=120, deadline=None)
@given(
    said=st.lists(statements, min_size=1, max_size=7), waited=st.sampled_from([0.0, 1.0, 7.0, 40.0]), random=...
)
async def test_the_same_statements_give_the_same_graph_in_any_order_and_however_often(
    said: list[Statement], waited: float, random: Random
):
    shuffled = [*said, *random.sample(said, random.randint(0, len(said)))]
    random.shuffle(shuffled)

    engine = await after(shuffled, waited)

    truth = expected(said, waited)
    assert set(engine.db.merged) == set(truth)
    assert sources_of(engine) == {pair: set(edge.sources) for pair, edge in truth.items()}
    for pair, edge in truth.items():
        merged = engine.db.merged[pair]
        assert (merged.criticality.value, merged.call_weight, merged.is_stale) == (
            edge.criticality,
            edge.call_weight,
            edge.is_stale,
        )
        assert merged.confidence == pytest.approx(edge.confidence, abs=FADED)
    live = [pair for pair, edge in truth.items() if not edge.is_stale]
    scratch = condense(sorted(engine.db.services), live)
    assert {node.members for node in engine.db.supernodes.values()} == {
        node.members for node in scratch.supernodes
    }
    assert len(engine.db.condensation) == len(scratch.edges)


@settings(max_examples=60, deadline=None)
@given(said=st.lists(statements, min_size=1, max_size=5))
async def test_saying_all_of_it_again_changes_nothing_and_leaves_the_version(said: list[Statement]):
    engine = await after(said, 0.0)
    before = (engine.db.merged.copy(), engine.db.claims.copy(), engine.db.alerts.copy(), engine.db.version)

    for statement in sorted(said, key=lambda one: -one.age):
        await engine.ingest(**statement.given(NOW))

    assert (engine.db.merged, engine.db.claims, engine.db.alerts, engine.db.version) == before


async def test_a_row_that_is_older_than_a_complete_list_without_it_is_not_taken_and_that_is_said():
    engine = Engine()
    await engine.ingest(OTEL, dependencies=edges("a>b"), complete=True, observed_at=NOW)

    late = await engine.ingest(OTEL, dependencies=edges("a>b", "a>c"), observed_at=NOW - timedelta(hours=1))

    assert set(engine.db.merged) == {("a", "b")}
    assert late.status is JobStatus.SUCCEEDED
    assert "a → c" in late.warnings[-1]
    assert late.warnings[-1].startswith("1 rows")


async def test_nothing_is_read_to_condense_when_only_weights_have_changed():
    engine = Engine()
    await engine.ingest(OTEL, dependencies=edges("a>b", "b>a", callWeight=1.0))
    [supernode] = engine.db.supernodes.values()
    engine.db.supernodes = {"kept": supernode}  # a full run would put another one here

    again = await engine.ingest(OTEL, dependencies=edges("a>b", "b>a", callWeight=2.0))

    assert (again.graph_version, again.cycles) == (2, 1)
    assert set(engine.db.supernodes) == {"kept"}


async def test_staleness_that_died_before_it_was_condensed_is_finished_by_the_next_run():
    engine = Engine()
    await engine.ingest(OTEL, dependencies=edges("a>b", "b>a"))
    engine.clock.advance(timedelta(days=8))
    version, stop = engine.db.version, RuntimeError("power cut")

    class Dying:
        async def __call__(self, *, changed: bool) -> tuple[int, int]:
            raise stop

    whole = engine.use.mark_stale
    with pytest.raises(RuntimeError, match="power cut"):
        await type(whole)(whole.graph, whole.cache, whole.locks, Dying(), whole.clock)()  # type: ignore[arg-type]
    assert engine.db.version == version

    assert await whole() == 0

    assert engine.db.supernodes == {}
    assert engine.db.version == version + 1


async def test_what_a_person_says_of_an_alert_while_cycles_are_condensed_is_kept():
    engine = Engine()
    await engine.ingest(dependencies=edges("a>b", "b>a"))
    [alert] = engine.db.alerts
    graph = engine.graph

    class Meanwhile(type(graph)):  # type: ignore[misc]
        said = False

        async def write_condensation(self, **what):
            if not Meanwhile.said:
                Meanwhile.said = True
                await engine.use.update_alert(
                    UpdateAlertCommand(alert, AlertStatus.ACKNOWLEDGED, "known"), actor=ADMIN
                )
            return await super().write_condensation(**what)

    queued = await engine.submit(dependencies=edges("b>c", "c>a"))
    await engine.merge_on(Meanwhile(engine.db))(queued.ingestion_id)

    kept = engine.db.alerts[alert]
    assert (kept.status, kept.note, kept.members) == (AlertStatus.ACKNOWLEDGED, "known", ("a", "b", "c"))
    assert [line.text for line in kept.history] == ["the cycle was seen", "known", "joined by c"]


async def test_a_dependency_that_turns_stale_leaves_the_recommendation_and_moves_the_graph_version():
    engine = await shop()
    await engine.ingest(OTEL, dependencies=edges("front>cart", "cart>db"), observed_at=NOW)
    engine.clock.advance(timedelta(minutes=1))
    await engine.ingest(MANUAL, dependencies=edges("cart>db"), complete=True)

    async def recommended() -> tuple[set[str], int | None]:
        command = RecommendCommand(["front"], [SliType.AVAILABILITY], force=True)
        (answer,) = await engine.use.recommend(command, actor=ADMIN)
        assert isinstance(answer, Recommendation)
        return {
            one.service_id for one in answer.bound.contributions
        } if answer.bound else set(), answer.graph_version

    seen, version = await recommended()
    engine.clock.advance(timedelta(days=6))
    unchanged = await engine.use.mark_stale()
    fading, same = await recommended()
    engine.clock.advance(timedelta(days=2))
    changed = await engine.use.mark_stale()
    without, moved = await recommended()
    hidden = await engine.use.read_graph.dependencies_of(["front"])
    shown = await engine.use.read_graph.dependencies_of(["front"], include_stale=True)
    await engine.ingest(OTEL, dependencies=edges("front>cart"))
    again, _ = await recommended()

    assert (seen, fading, without, again) == ({"cart", "db"}, {"cart", "db"}, set(), {"cart", "db"})
    assert (unchanged, changed) == (0, 1)
    assert version == same
    assert moved == (version or 0) + 1
    assert hidden["front"] == []
    assert [(edge.dependency, edge.is_stale, edge.confidence) for edge in shown["front"]] == [("cart", True, 0.0)]
