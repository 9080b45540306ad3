from __future__ import annotations

import pytest

from sloengine.application.governance.decision_outcome import DecisionOutcome
from sloengine.domain.governance.model import SloTarget, TargetDelta
from sloengine.domain.recommendation.model import ObjectiveKind, SliType, TierName
from sloengine.domain.reliability.window import ComplianceWindow
from tests.api.door import Door, Scripted, global_id

PAYLOAD = """{ slo { id sliType window source activatedAt activatedBy
    targets { kind availabilityPercent thresholdMs } }
  recommendation { status } previous { source window targets { availabilityPercent } }
  delta { kind from to } probabilityMet auditEvent { id sequence action actor rationale hash previousHash }
  warnings userErrors { code path message } }"""
MUTATIONS = {
    "acceptRecommendation": ("accept", "AcceptRecommendationInput", {"tier": "BALANCED"}),
    "modifyRecommendation": (
        "modify",
        "ModifyRecommendationInput",
        {
            "tier": "BALANCED",
            "rationale": "tighter",
            "targets": [{"kind": "AVAILABILITY", "availabilityPercent": 99.97}],
        },
    ),
    "rejectRecommendation": ("reject", "RejectRecommendationInput", {"rationale": "not now"}),
}


async def decide(door: Door, mutation: str, kind: str, given: dict[str, object]):
    query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {PAYLOAD} }}"
    return (await door.ask(query, input=given))[mutation]


async def outcome(door: Door) -> DecisionOutcome:
    recorded = await door.decide("checkout")
    assert recorded.slo
    return DecisionOutcome(
        slo=recorded.slo,
        recommendation=None,
        previous=recorded.slo.snapshot(),
        delta=(
            TargetDelta(ObjectiveKind.AVAILABILITY, 0.999, 0.9995),
            TargetDelta(ObjectiveKind.LATENCY_P95, None, 250.0),
        ),
        probability_met=0.93,
        audit_event=recorded.audit_event,
        warnings=("mind the budget",),
    )


@pytest.mark.parametrize("mutation", MUTATIONS)
async def test_a_decision_reaches_its_use_case_and_comes_back_whole(door: Door, mutation: str):
    name, kind, rest = MUTATIONS[mutation]
    use_case: Scripted = getattr(door, name)
    use_case.answer = await outcome(door)

    payload = await decide(
        door,
        mutation,
        kind,
        {"recommendationId": global_id("Recommendation", "r1"), "idempotencyKey": "k", **rest},
    )

    ((command, actor),) = use_case.commands
    assert (command.recommendation_id, command.idempotency_key) == ("r1", "k")
    assert actor.subject == "apikey:development"
    assert payload["slo"]["targets"] == [
        {"kind": "AVAILABILITY", "availabilityPercent": 99.95, "thresholdMs": None}
    ]
    assert payload["delta"] == [
        {"kind": "AVAILABILITY", "from": 99.9, "to": 99.95},
        {"kind": "LATENCY_P95", "from": None, "to": 250.0},
    ]
    assert payload["previous"]["targets"] == [{"availabilityPercent": 99.95}]
    assert payload["auditEvent"]["rationale"] == "because"
    assert (payload["probabilityMet"], payload["warnings"]) == (0.93, ["mind the budget"])


async def test_the_numbers_of_a_modification_arrive_as_ratios_without_noise(door: Door):
    door.modify.answer = await outcome(door)
    name, kind, rest = MUTATIONS["modifyRecommendation"]

    await decide(
        door, "modifyRecommendation", kind, {"recommendationId": global_id("Recommendation", "r"), **rest}
    )

    (command, _) = getattr(door, name).commands[0]
    assert command.targets == [SloTarget(ObjectiveKind.AVAILABILITY, availability_ratio=0.9997)]
    assert command.tier is TierName.BALANCED


async def test_setting_by_hand(door: Door):
    door.set_slo.answer = await outcome(door)

    await decide(
        door,
        "setSlo",
        "SetSloInput",
        {
            "serviceId": "checkout",
            "sliType": "LATENCY",
            "targets": [{"kind": "LATENCY_P95", "thresholdMs": 250}, {"kind": "LATENCY_P99", "thresholdMs": 800}],
            "rationale": "contract",
        },
    )

    (command, _) = door.set_slo.commands[0]
    assert (command.service_id, command.sli_type, command.window) == (
        "checkout",
        SliType.LATENCY,
        ComplianceWindow.ROLLING_28D,
    )
    assert [target.threshold_ms for target in command.targets] == [250, 800]


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ({"kind": "AVAILABILITY"}, "availabilityPercent"),
        ({"kind": "AVAILABILITY", "thresholdMs": 3}, "availabilityPercent"),
        ({"kind": "AVAILABILITY", "availabilityPercent": 99, "thresholdMs": 3}, "availabilityPercent"),
        ({"kind": "LATENCY_P95", "availabilityPercent": 99}, "thresholdMs"),
        ({"kind": "LATENCY_P99"}, "thresholdMs"),
    ],
)
async def test_a_target_carries_the_number_of_its_kind_and_no_other(
    door: Door, target: dict[str, object], field: str
):
    given = {"serviceId": "a", "sliType": "AVAILABILITY", "rationale": "x", "targets": [target]}

    payload = await decide(door, "setSlo", "SetSloInput", given)

    (error,) = payload["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID", ["input", "targets", "0", field])


async def test_the_audit_trail_newest_first_filtered_and_verified(door: Door):
    for service_id in ("a", "b", "a"):
        await door.decide(service_id)

    found = await door.ask("""{
      all: auditLog(first: 2) { totalCount pageInfo { hasNextPage }
        nodes { sequence action service { serviceId } } }
      some: auditLog(filter: { serviceId: "a", action: [SET], from: "2026-01-01T00:00:00Z" }) {
        nodes { sequence } }
      none: auditLog(filter: { action: [REJECT] }) { totalCount }
      auditIntegrity { intact checked firstBrokenSequence headHash } }""")

    assert [node["sequence"] for node in found["all"]["nodes"]] == [3, 2]
    assert (found["all"]["totalCount"], found["all"]["pageInfo"]["hasNextPage"]) == (3, True)
    assert [node["sequence"] for node in found["some"]["nodes"]] == [3, 1]
    assert found["none"]["totalCount"] == 0
    assert found["auditIntegrity"] == {
        "intact": True,
        "checked": 3,
        "firstBrokenSequence": None,
        "headHash": door.db.trail[-1].hash,
    }


async def test_every_object_is_found_again_by_its_id(door: Door):
    await door.draw("a->b", "b->a")
    await door.add_cycle("a", "b")
    stored = await door.add_recommendation("a")
    await door.jobs.create_job("job-1", ["a"], {})
    recorded = await door.decide("a")
    ids = {
        "Service": "a",
        "Supernode": "a",
        "CircularDependencyAlert": "alert-1",
        "Recommendation": stored.recommendation_id or "",
        "RecommendationJob": "job-1",
        "Slo": "slo-a",
        "AuditEvent": recorded.audit_event.audit_id,
    }

    for type_name, node_id in ids.items():
        wanted = global_id(type_name, node_id)
        found = await door.ask("query($id: ID!) { node(id: $id) { __typename id } }", id=wanted)
        assert found["node"] == {"__typename": type_name, "id": wanted}
        missing = await door.ask("query($id: ID!) { node(id: $id) { id } }", id=global_id(type_name, "nowhere"))
        assert missing["node"] is None


async def test_a_type_that_has_no_objects_has_no_node(door: Door):
    found = await door.ask("query($id: ID!) { node(id: $id) { id } }", id=global_id("Tier", "1"))

    assert found["node"] is None


async def test_an_id_that_is_none_is_bad_input(door: Door):
    (error,) = await door.errors('{ node(id: "no id at all") { id } }')

    assert error["extensions"] == {"code": "INVALID", "argument": ["id"]}


async def test_error_budgets_are_counted_for_all_in_one_read(door: Door):
    ids = [f"s{n}" for n in range(5)]
    await door.add_services(*ids)
    await door.add_availability(*ids[:-1])
    for service_id in ids:
        await door.decide(service_id)
    door.counts.clear()

    answer = await door.ask(
        """{ services { nodes { activeSlo(sliType: AVAILABILITY) { id budget {
            consumedRatio remainingRatio asOf burnRates { window rate } } } } } }"""
    )

    slos = [node["activeSlo"] for node in answer["services"]["nodes"]]
    budget = slos[0]["budget"]
    assert budget["consumedRatio"] == pytest.approx(2.0)  # 0.1 % failed of 0.05 %
    assert budget["remainingRatio"] == pytest.approx(-1.0)
    assert [(burn["window"], pytest.approx(2.0)) for burn in budget["burnRates"]] == [
        (burn["window"], burn["rate"]) for burn in budget["burnRates"]
    ]
    assert [burn["window"] for burn in budget["burnRates"]] == ["1h", "6h", "1d", "3d"]
    assert slos[-1]["budget"] is None
    assert door.counts["MemorySliHistory.read"] == 1
    by_id = await door.ask(
        "query($id: ID!) { node(id: $id) { ... on Slo { budget { asOf } } } }", id=slos[0]["id"]
    )
    assert by_id["node"]["budget"]["asOf"] == budget["asOf"]
