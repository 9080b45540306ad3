from __future__ import annotations

import asyncio
from dataclasses import fields, replace

import pytest

from sloengine.application.governance.accept_recommendation import AcceptRecommendationCommand
from sloengine.application.governance.modify_recommendation import ModifyRecommendationCommand
from sloengine.application.governance.reject_recommendation import RejectRecommendationCommand
from sloengine.application.governance.set_slo import SetSloCommand
from sloengine.application.recommendation.evidence_reader import EvidenceReader
from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.domain.errors import (
    Forbidden,
    IdempotencyMismatch,
    Invalid,
    NotActive,
    RationaleRequired,
    RecommendationNotFound,
    ServiceNotFound,
    Unavailable,
)
from sloengine.domain.governance.model import AuditAction, SloSource, SloTarget
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Recommendation,
    RecommendationStatus,
    SliType,
    TierName,
)
from tests.application.organisation import ADMIN, DAY, OWNER, VIEWER, Engine, shop
from tests.patience import LONG_SECONDS

AVAILABILITY = SliType.AVAILABILITY
BALANCED = TierName.BALANCED


@pytest.fixture
async def engine() -> Engine:
    return await shop(days=40)


async def recommended(engine: Engine, service_id: str = "front") -> Recommendation:
    [result] = await engine.use.recommend(RecommendCommand([service_id], [AVAILABILITY]), actor=ADMIN)
    assert isinstance(result, Recommendation)
    return result


def accept(recommendation: Recommendation, **more) -> AcceptRecommendationCommand:
    return AcceptRecommendationCommand(recommendation.recommendation_id or "", BALANCED, **more)


def number(ratio: float) -> list[SloTarget]:
    return [SloTarget(ObjectiveKind.AVAILABILITY, availability_ratio=ratio)]


async def test_accepting_makes_the_tier_the_active_slo(engine: Engine):
    recommendation = await recommended(engine)
    [target] = recommendation.tier(BALANCED).targets

    outcome = await engine.use.accept_recommendation(accept(recommendation, rationale=" fits "), actor=OWNER)

    assert outcome.slo is not None
    assert outcome.slo.targets == (SloTarget(ObjectiveKind.AVAILABILITY, target.availability_ratio),)
    assert outcome.slo.source is SloSource.ACCEPTED
    assert outcome.slo.recommendation_id == recommendation.recommendation_id
    assert outcome.probability_met == target.probability_met
    assert outcome.previous is None
    assert outcome.recommendation is not None
    assert outcome.recommendation.status is RecommendationStatus.ACCEPTED
    assert (outcome.audit_event.action, outcome.audit_event.actor) == (AuditAction.ACCEPT, OWNER.subject)
    assert outcome.audit_event.rationale == "fits"
    assert await engine.use.read_ledger.active(["front"], AVAILABILITY) == {"front": outcome.slo}
    assert (await engine.use.read_ledger.verify()).intact


async def test_what_was_decided_is_seen_at_once_and_told(engine: Engine):
    recommendation = await recommended(engine)
    assert (await engine.use.read_recommendations.newest(["front"], AVAILABILITY))["front"] == recommendation

    await engine.use.accept_recommendation(accept(recommendation), actor=ADMIN)

    newest = (await engine.use.read_recommendations.newest(["front"], AVAILABILITY))["front"]
    assert isinstance(newest, Recommendation)
    assert newest.status is RecommendationStatus.ACCEPTED
    assert engine.queue.messages[-1] == ("governance.relay_outbox", {})
    assert await engine.use.relay_outbox() > 0
    assert await engine.use.relay_outbox() == 0
    told = [event.kind for event in engine.stream.events.values()]
    assert told[-2:] == ["RecommendationGenerated", "SloChanged"]
    assert told.count("SloChanged") == 1


async def test_a_queue_that_is_away_does_not_stop_a_decision(engine: Engine):
    recommendation = await recommended(engine)
    engine.queue.is_away = True

    outcome = await engine.use.accept_recommendation(accept(recommendation), actor=ADMIN)

    assert outcome.slo is not None


async def test_a_decided_recommendation_cannot_be_decided_again(engine: Engine):
    recommendation = await recommended(engine)
    await engine.use.accept_recommendation(accept(recommendation), actor=ADMIN)

    with pytest.raises(NotActive) as caught:
        await engine.use.reject_recommendation(
            RejectRecommendationCommand(recommendation.recommendation_id or "", "no"), actor=ADMIN
        )

    assert caught.value.path == ("input", "recommendationId")
    assert len(engine.db.trail) == 1


async def test_an_expired_recommendation_cannot_be_accepted(engine: Engine):
    recommendation = await recommended(engine)
    engine.clock.advance(14 * DAY)

    with pytest.raises(NotActive):
        await engine.use.accept_recommendation(accept(recommendation), actor=ADMIN)
    assert await engine.use.expire_recommendations() == ["front"]


async def test_a_retry_with_the_same_key_gives_the_same_answer(engine: Engine):
    recommendation = await recommended(engine)
    first = await engine.use.accept_recommendation(accept(recommendation, idempotency_key="k"), actor=ADMIN)

    again = await engine.use.accept_recommendation(accept(recommendation, idempotency_key="k"), actor=ADMIN)

    assert again.audit_event == first.audit_event
    assert again.slo == first.slo
    assert len(engine.db.trail) == 1
    with pytest.raises(IdempotencyMismatch):
        await engine.use.accept_recommendation(
            accept(recommendation, rationale="other", idempotency_key="k"), actor=ADMIN
        )


@pytest.mark.parametrize("actor", [OWNER, VIEWER])
async def test_nobody_decides_on_services_of_others(engine: Engine, actor):
    recommendation = await recommended(engine, "cart")

    with pytest.raises(Forbidden):
        await engine.use.accept_recommendation(accept(recommendation), actor=actor)
    with pytest.raises(Forbidden):
        await engine.use.set_slo(SetSloCommand("cart", AVAILABILITY, number(0.99), "because"), actor=actor)


async def test_modifying_says_how_far_it_departs_and_how_probably_it_holds(engine: Engine):
    recommendation = await recommended(engine)
    [target] = recommendation.tier(BALANCED).targets

    outcome = await engine.use.modify_recommendation(
        ModifyRecommendationCommand(recommendation.recommendation_id or "", BALANCED, number(0.99), "softer"),
        actor=ADMIN,
    )

    assert outcome.slo is not None
    assert outcome.slo.source is SloSource.MODIFIED
    [delta] = outcome.delta
    assert (delta.before, delta.after) == (target.availability_ratio, 0.99)
    assert outcome.probability_met is not None
    assert outcome.probability_met >= target.probability_met
    assert not outcome.warnings
    assert outcome.audit_event.action is AuditAction.MODIFY


async def test_a_number_that_will_not_hold_is_warned_about(engine: Engine):
    recommendation = await recommended(engine)

    outcome = await engine.use.modify_recommendation(
        ModifyRecommendationCommand(recommendation.recommendation_id or "", BALANCED, number(0.99999), "stretch"),
        actor=ADMIN,
    )

    assert outcome.probability_met is not None
    assert outcome.probability_met < 0.5
    assert any("less than the tier's 92%" in warning for warning in outcome.warnings)


async def test_the_probability_of_the_recommended_number_is_the_recommended_probability(engine: Engine):
    recommendation = await recommended(engine)
    [target] = recommendation.tier(BALANCED).targets
    assert target.availability_ratio is not None

    [probability] = await engine.use.modify_recommendation.judge(
        "front", recommendation.window, number(target.availability_ratio)
    )

    assert probability == pytest.approx(target.probability_met, abs=1e-12)


async def test_a_decision_does_not_wait_for_what_takes_long_and_says_so(engine: Engine):
    """Who asks next finds it worked out."""
    hurried = replace(engine.use.set_slo.judge, large_scope=0, patience_seconds=0.0)
    set_slo = replace(engine.use.set_slo, judge=hurried)
    command = SetSloCommand("front", AVAILABILITY, number(0.99), "start")

    outcome = await set_slo(command, actor=ADMIN)
    under_way = [*hurried._running]
    [known] = await under_way[0]
    patient = replace(set_slo, judge=replace(hurried, patience_seconds=LONG_SECONDS))
    again = await patient(command, actor=ADMIN)

    assert outcome.slo is not None
    assert outcome.probability_met is None
    assert any("takes more than 0 s" in warning for warning in outcome.warnings)
    assert known is not None
    assert again.probability_met == known
    assert not hurried._running


async def test_one_is_judged_at_a_time_and_who_cannot_wait_for_the_place_has_no_probability(engine: Engine):
    hurried = replace(engine.use.set_slo.judge, large_scope=0, patience_seconds=0.0)
    command = SetSloCommand("front", AVAILABILITY, number(0.99), "start")
    await hurried._large.acquire()

    outcome = await replace(engine.use.set_slo, judge=hurried)(command, actor=ADMIN)

    assert outcome.slo is not None
    assert outcome.probability_met is None
    assert not hurried._running


@pytest.mark.parametrize(
    ("error", "said"),
    [(Unavailable("the database is away"), "the database is away"), (KeyError("odd"), "worked out")],
)
@pytest.mark.parametrize("large_scope", [0, 1_000])
async def test_what_goes_wrong_after_a_decision_does_not_fail_it(
    engine: Engine, error: Exception, said: str, large_scope: int
):
    class Failing(EvidenceReader):
        async def read(self, *_args, **_more):
            raise error

    reader = engine.use.set_slo.judge.evidence
    known = {field.name: getattr(reader, field.name) for field in fields(reader) if field.init}
    judge = replace(engine.use.set_slo.judge, evidence=Failing(**known), large_scope=large_scope)
    command = SetSloCommand("front", AVAILABILITY, number(0.99), "start")

    outcome = await replace(engine.use.set_slo, judge=judge)(command, actor=ADMIN)

    assert outcome.slo is not None
    assert outcome.probability_met is None
    assert any(said in warning for warning in outcome.warnings)


async def test_rejecting_leaves_the_active_slo(engine: Engine):
    await engine.use.set_slo(SetSloCommand("front", AVAILABILITY, number(0.995), "start"), actor=ADMIN)
    recommendation = await recommended(engine)

    outcome = await engine.use.reject_recommendation(
        RejectRecommendationCommand(recommendation.recommendation_id or "", "too loose"), actor=ADMIN
    )

    assert outcome.slo is not None
    assert outcome.slo.targets == tuple(number(0.995))
    assert outcome.recommendation is not None
    assert outcome.recommendation.status is RecommendationStatus.REJECTED


async def test_a_manual_slo_replaces_the_one_before_and_says_so(engine: Engine):
    await engine.use.set_slo(SetSloCommand("front", AVAILABILITY, number(0.995), "start"), actor=ADMIN)

    outcome = await engine.use.set_slo(SetSloCommand("front", AVAILABILITY, number(0.99), "calmer"), actor=ADMIN)

    assert outcome.previous is not None
    assert outcome.previous.targets == tuple(number(0.995))
    [delta] = outcome.delta
    assert (delta.before, delta.after) == (0.995, 0.99)
    assert outcome.probability_met is not None


async def test_of_two_deciders_at_once_one_wins(engine: Engine):
    recommendation = await recommended(engine)

    outcomes = await asyncio.gather(
        *(engine.use.accept_recommendation(accept(recommendation), actor=ADMIN) for _ in range(5)),
        return_exceptions=True,
    )

    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    assert len(engine.db.trail) == 1


@pytest.mark.parametrize(
    ("targets", "path"),
    [
        ([], ("input", "targets")),
        (number(1.0), ("input", "targets", "0", "availabilityPercent")),
        (number(float("nan")), ("input", "targets", "0", "availabilityPercent")),
        (number(0.99) * 2, ("input", "targets", "1", "kind")),
        ([SloTarget(ObjectiveKind.LATENCY_P99, threshold_ms=5)], ("input", "targets", "0", "kind")),
        ([SloTarget(ObjectiveKind.AVAILABILITY, 0.99, 5.0)], ("input", "targets", "0", "availabilityPercent")),
    ],
)
async def test_a_bad_number_is_refused_by_its_field(engine: Engine, targets, path):
    with pytest.raises(Invalid) as caught:
        await engine.use.set_slo(SetSloCommand("front", AVAILABILITY, targets, "because"), actor=ADMIN)

    assert caught.value.path == path
    assert engine.db.trail == []


async def test_p95_above_p99_cannot_be_promised(engine: Engine):
    targets = [
        SloTarget(ObjectiveKind.LATENCY_P99, threshold_ms=100),
        SloTarget(ObjectiveKind.LATENCY_P95, threshold_ms=200),
    ]

    with pytest.raises(Invalid):
        await engine.use.set_slo(SetSloCommand("front", SliType.LATENCY, targets, "because"), actor=ADMIN)


async def test_what_needs_a_reason_is_refused_without_one(engine: Engine):
    recommendation = await recommended(engine)
    key = recommendation.recommendation_id or ""

    with pytest.raises(RationaleRequired):
        await engine.use.reject_recommendation(RejectRecommendationCommand(key, "  "), actor=ADMIN)
    with pytest.raises(RationaleRequired):
        await engine.use.modify_recommendation(
            ModifyRecommendationCommand(key, BALANCED, number(0.99), ""), actor=ADMIN
        )
    with pytest.raises(RationaleRequired):
        await engine.use.set_slo(SetSloCommand("front", AVAILABILITY, number(0.99), ""), actor=ADMIN)


async def test_what_does_not_exist_is_said(engine: Engine):
    with pytest.raises(RecommendationNotFound):
        await engine.use.accept_recommendation(AcceptRecommendationCommand("nothing", BALANCED), actor=ADMIN)
    with pytest.raises(ServiceNotFound):
        await engine.use.set_slo(SetSloCommand("nobody", AVAILABILITY, number(0.9), "because"), actor=ADMIN)
