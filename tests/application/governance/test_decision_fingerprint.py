"""What is kept of a request for a decision stays what it is, in every version."""

from __future__ import annotations

import hashlib

import pytest

from sloengine.application.governance.accept_recommendation import AcceptRecommendationCommand
from sloengine.application.governance.decision_fingerprint import Asked, fingerprint, fingerprint_before
from sloengine.application.governance.modify_recommendation import ModifyRecommendationCommand
from sloengine.application.governance.reject_recommendation import RejectRecommendationCommand
from sloengine.application.governance.set_slo import SetSloCommand
from sloengine.domain.errors import IdempotencyMismatch
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, SliType, TierName
from sloengine.domain.reliability.window import ComplianceWindow
from tests.application.governance.test_deciding import recommended
from tests.application.organisation import ADMIN, shop

RATIO = SloTarget(ObjectiveKind.AVAILABILITY, 0.999)
LATENCY = (SloTarget(ObjectiveKind.LATENCY_P95, None, 250.0), SloTarget(ObjectiveKind.LATENCY_P99, None, 500.0))
ACCEPT: Asked = {"recommendationId": "r1", "tier": TierName.BALANCED, "rationale": None}
MODIFY: Asked = {
    "recommendationId": "r1",
    "tier": TierName.BALANCED,
    "targets": (RATIO,),
    "rationale": "it's the bank’s",
}
SET: Asked = {
    "serviceId": "a",
    "sliType": SliType.LATENCY,
    "window": ComplianceWindow.ROLLING_28D,
    "targets": LATENCY,
    "rationale": "agreed",
}
SAID = {
    "accept": '{"recommendationId":"r1","tier":"BALANCED"}',
    "modify": (
        '{"rationale":"it\'s the bank\\u2019s","recommendationId":"r1",'
        '"targets":[{"availabilityRatio":0.999,"kind":"AVAILABILITY"}],"tier":"BALANCED"}'
    ),
    "set": (
        '{"rationale":"agreed","serviceId":"a","sliType":"LATENCY","targets":[{"kind":"LATENCY_P95",'
        '"thresholdMs":250.0},{"kind":"LATENCY_P99","thresholdMs":500.0}],"window":"ROLLING_28D"}'
    ),
}
PRINTED = {
    "accept": "('r1', <TierName.BALANCED: 'BALANCED'>, None)",
    "modify": (
        "('r1', <TierName.BALANCED: 'BALANCED'>, (SloTarget(kind=<ObjectiveKind.AVAILABILITY: 'AVAILABILITY'>,"
        ' availability_ratio=0.999, threshold_ms=None),), "it\'s the bank’s")'
    ),
    "set": (
        "('a', <SliType.LATENCY: 'LATENCY'>, <ComplianceWindow.ROLLING_28D: 'ROLLING_28D'>,"
        " (SloTarget(kind=<ObjectiveKind.LATENCY_P95: 'LATENCY_P95'>, availability_ratio=None,"
        " threshold_ms=250.0), SloTarget(kind=<ObjectiveKind.LATENCY_P99: 'LATENCY_P99'>,"
        " availability_ratio=None, threshold_ms=500.0)), 'agreed')"
    ),
}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(("what", "asked"), [("accept", ACCEPT), ("modify", MODIFY), ("set", SET)])
def test_the_fingerprint_of_a_decision_is_the_same_in_every_version(what: str, asked: Asked):
    assert fingerprint(asked) == f"decided-1:{sha256(SAID[what])}"
    assert fingerprint_before(asked) == sha256(PRINTED[what])


def test_every_part_of_what_was_asked_tells_it_from_others():
    others: list[Asked] = [
        SET,
        *({**SET, name: None} for name in SET),
        {**SET, "targets": LATENCY[:1]},
        {**SET, "targets": (LATENCY[0], SloTarget(ObjectiveKind.LATENCY_P99, None, 501.0))},
    ]

    assert len({fingerprint(asked) for asked in others}) == len(others)
    assert fingerprint({**SET, "note": None}) == fingerprint(SET)


def commands(recommendation: Recommendation) -> dict[str, tuple[object, str]]:
    """Of each decision: one under a key, and how an earlier version printed what is asked for."""
    one = recommendation.recommendation_id or ""
    accept, modify = PRINTED["accept"].replace("r1", one), PRINTED["modify"].replace("r1", one)
    return {
        "accept_recommendation": (
            AcceptRecommendationCommand(one, TierName.BALANCED, idempotency_key="k"),
            accept,
        ),
        "modify_recommendation": (
            ModifyRecommendationCommand(
                one, TierName.BALANCED, [RATIO], rationale="it's the bank’s", idempotency_key="k"
            ),
            modify,
        ),
        "reject_recommendation": (RejectRecommendationCommand(one, "no", "k"), f"({one!r}, 'no')"),
        "set_slo": (
            SetSloCommand("front", SliType.LATENCY, LATENCY, "agreed", idempotency_key="k"),
            PRINTED["set"].replace("'a'", "'front'"),
        ),
    }


@pytest.mark.parametrize(
    "name", ["accept_recommendation", "modify_recommendation", "reject_recommendation", "set_slo"]
)
async def test_a_retry_after_an_upgrade_is_no_other_decision(name: str):
    engine = await shop(days=40)
    command, printed = commands(await recommended(engine))[name]
    decide = getattr(engine.use, name)
    first = await decide(command, actor=ADMIN)
    [(key, (at, kept, answer))] = engine.db.answered.items()
    assert kept.startswith("decided-1:")

    engine.db.answered[key] = (at, sha256(printed), answer)
    again = await decide(command, actor=ADMIN)

    assert again.audit_event == first.audit_event
    engine.db.answered[key] = (at, sha256("another"), answer)
    with pytest.raises(IdempotencyMismatch):
        await decide(command, actor=ADMIN)
