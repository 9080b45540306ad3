from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sloengine.application.recommendation.recommendation_job import RecommendationJob
from sloengine.domain.recommendation.model import (
    Attribution,
    Counterfactual,
    Explanation,
    ObjectiveKind,
    RecommendationUnavailable,
    SliType,
    TierName,
    UnavailableReason,
)
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.ingestion import JobStatus
from tests.api.door import NOW, Door, global_id

WHOLE = """{ service(by: { serviceId: "checkout" }) {
      recommendation(sliType: AVAILABILITY) { ... on Recommendation {
  id service { serviceId } sliType status window confidence summary isStale graphVersion engineVersion
  generatedAt expiresAt reviewAt
  explanation { tier kind unit reference referenceValue unroundedValue targetValue summary
    attributions { feature service { serviceId } contribution }
    counterfactuals { change service { serviceId } before after resultingTarget feasible }
    provenance { from to queries graphVersion engineVersion seed inputsDigest } }
  tiers { name nominalProbability missingReason targets { kind availabilityPercent thresholdMs probabilityMet
    dataOnlyProbability interval { low high level } errorBudget { minutes requests }
    ratioObjective { thresholdMs } limitedBy { limit message service { serviceId } }
    backtest { windows met worst { from to met availabilityPercent } series { from budgetRemaining } } } }
  bound { observedPercent independentPercent intrinsicPercent promisedPercent assumptions
    contributions { service { serviceId } sharePercent budgetMinutes oneMoreNine promiseGapPercent }
    contradictions { message } otherContributions { services sharePercent budgetMinutes } moreContradictions }
  dataQuality { daysOfHistory completeness sampleCount coldStart archetype archetypeWeight warnings }
  provenance { from to queries graphVersion seed inputsDigest } } } } }"""


async def test_a_recommendation_as_clients_read_it(door: Door):
    await door.add_services("checkout", "orders-db")
    await door.fresh_telemetry()
    stored = await door.add_recommendation("checkout")

    found = (await door.ask(WHOLE))["service"]["recommendation"]

    assert found["id"] == global_id("Recommendation", stored.recommendation_id or "")
    assert [tier["name"] for tier in found["tiers"]] == ["CONSERVATIVE", "BALANCED", "AGGRESSIVE"]
    balanced = found["tiers"][1]["targets"][0]
    assert balanced["availabilityPercent"] == 99.95
    assert balanced["interval"] == {"low": 99.89, "high": 99.997, "level": 0.95}
    assert balanced["backtest"]["met"] == 3
    assert len(balanced["backtest"]["series"]) == 3
    assert balanced["limitedBy"][0] == {
        "limit": "DEPENDENCY_OBSERVED",
        "message": "orders-db was down twice",
        "service": {"serviceId": "orders-db"},
    }
    assert balanced["limitedBy"][1]["service"] is None
    assert found["bound"]["observedPercent"] == 99.962
    assert found["bound"]["contributions"][0]["sharePercent"] == 20
    assert found["explanation"] is None  # of an earlier version
    assert (found["isStale"], found["generatedAt"]) == (False, NOW.isoformat())


async def test_percentages_carry_no_binary_noise(door: Door):
    await door.add_services("checkout")
    stored = await door.add_recommendation("checkout")
    noisy = [0.999, 0.9995, 0.9997, 0.99999, 0.995, 0.9, 0.123456]
    target = stored.tiers[0].targets[0]
    tiers = tuple(
        replace(stored.tiers[0], targets=(replace(target, availability_ratio=ratio),)) for ratio in noisy
    )
    await door.cache.put([replace(stored, tiers=tiers)])

    found = (await door.ask(WHOLE))["service"]["recommendation"]

    shown = [tier["targets"][0]["availabilityPercent"] for tier in found["tiers"]]
    assert shown == [99.9, 99.95, 99.97, 99.999, 99.5, 90.0, 12.3456]


async def test_it_is_stale_when_telemetry_is(door: Door):
    await door.add_services("checkout")
    await door.add_recommendation("checkout")
    await door.fresh_telemetry()
    door.clock.advance(timedelta(hours=4))

    assert (await door.ask(WHOLE))["service"]["recommendation"]["isStale"] is True


async def test_earlier_ones_are_listed_newest_first_and_filtered(door: Door):
    await door.add_services("checkout")
    for _ in range(3):
        await door.add_recommendation("checkout")
    query = """query($status: RecommendationStatus, $type: SliType, $after: String) {
      service(by: {serviceId: "checkout"}) {
      recommendations(status: $status, sliType: $type, first: 2, after: $after) { totalCount
        pageInfo { hasNextPage endCursor } nodes { status } } } }"""

    async def ask(**variables: object):
        return (await door.ask(query, **variables))["service"]["recommendations"]

    first = await ask()
    second = await ask(after=first["pageInfo"]["endCursor"])

    assert [node["status"] for node in first["nodes"] + second["nodes"]] == ["ACTIVE", "SUPERSEDED", "SUPERSEDED"]
    assert (first["totalCount"], second["pageInfo"]["hasNextPage"]) == (3, False)
    assert (await ask(status="ACTIVE"))["totalCount"] == 1
    assert (await ask(type="LATENCY"))["totalCount"] == 0


GENERATE = """mutation($input: GenerateRecommendationsInput!) { generateRecommendations(input: $input) {
  results { __typename ... on Recommendation { summary } ... on RecommendationUnavailable { reason } }
  job { id status total done failed error } userErrors { code path } } }"""


async def test_up_to_twenty_services_are_answered_in_place(door: Door):
    stored = await door.add_recommendation("s0")
    unavailable = RecommendationUnavailable("s0", SliType.LATENCY, UnavailableReason.NO_HISTOGRAM, "no buckets")
    door.recommend.answer = [stored, unavailable]
    ids = [f"s{n}" for n in range(20)]

    found = await door.ask(
        GENERATE, input={"serviceIds": [*ids, "s0"][:20], "force": True, "window": "ROLLING_7D"}
    )

    payload = found["generateRecommendations"]
    assert [result["__typename"] for result in payload["results"]] == [
        "Recommendation",
        "RecommendationUnavailable",
    ]
    assert payload["job"] is None
    ((command, actor),) = door.recommend.commands
    assert (list(command.service_ids), command.force, command.window) == (ids, True, ComplianceWindow.ROLLING_7D)
    assert set(command.sli_types) == set(SliType)
    assert actor.subject == "apikey:development"


async def test_more_services_or_all_become_a_job_that_can_be_asked_for(door: Door):
    await door.jobs.create_job("job-1", ["a", "b"], {})
    door.start_recommendation_job.answer = RecommendationJob("job-1", JobStatus.QUEUED, 2, 0, 0)

    many = await door.ask(GENERATE, input={"serviceIds": [f"s{n}" for n in range(21)], "idempotencyKey": "k"})
    every = await door.ask(GENERATE, input={"sliTypes": ["LATENCY"]})
    job = await door.ask(
        "query($id: ID!) { node(id: $id) { ... on RecommendationJob { status total done failed } } }",
        id=every["generateRecommendations"]["job"]["id"],
    )

    assert many == every
    assert job["node"]["total"] == 2
    (first, _), (second, _) = door.start_recommendation_job.commands
    assert (len(first.service_ids), first.idempotency_key) == (21, "k")
    assert (second.service_ids, list(second.sli_types)) == (None, [SliType.LATENCY])


async def test_an_empty_list_is_not_taken_for_all(door: Door):
    found = await door.ask(GENERATE, input={"serviceIds": []})

    assert found["generateRecommendations"]["userErrors"] == [{"code": "INVALID", "path": ["input", "serviceIds"]}]
    assert door.start_recommendation_job.commands == []


async def test_an_explanation_as_clients_read_it(door: Door):
    await door.add_services("checkout", "orders-db")
    explanation = Explanation(
        tier=TierName.BALANCED,
        kind=ObjectiveKind.AVAILABILITY,
        unit="percent",
        reference="a usual service of this organisation (7 others)",
        reference_value=99.9,
        unrounded_value=99.956,
        target_value=99.95,
        attributions=(
            Attribution("own reliability", 0.08),
            Attribution("dependency", -0.024, "orders-db"),
            Attribution("rounding", -0.006),
        ),
        counterfactuals=(
            Counterfactual("Even if orders-db never failed, …", 99.97, False, "orders-db", 99.98, 100.0),
        ),
        summary="In words.",
    )
    await door.add_recommendation("checkout", explanation=explanation)

    found = (await door.ask(WHOLE))["service"]["recommendation"]

    shown = found["explanation"]
    assert (shown["tier"], shown["unit"], shown["referenceValue"]) == ("BALANCED", "percent", 99.9)
    assert shown["attributions"][1] == {
        "feature": "dependency",
        "service": {"serviceId": "orders-db"},
        "contribution": -0.024,
    }
    assert shown["counterfactuals"][0] == {
        "change": "Even if orders-db never failed, …",
        "service": {"serviceId": "orders-db"},
        "before": 99.98,
        "after": 100.0,
        "resultingTarget": 99.97,
        "feasible": False,
    }
    assert shown["provenance"]["engineVersion"] == found["engineVersion"]
    assert shown["provenance"]["inputsDigest"] == found["provenance"]["inputsDigest"]
