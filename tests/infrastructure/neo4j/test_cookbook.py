from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sloengine.infrastructure.documents import encode
from sloengine.infrastructure.neo4j import Neo4jStores
from sloengine.infrastructure.neo4j.console import run_cypher
from sloengine.infrastructure.neo4j.named_queries import cypher_directory
from tests.infrastructure.neo4j.sample_organisation import ALERT_HISTORY, NOW, settle
from tools import cypher_cookbook

QUESTIONS = sorted(file.stem for file in (cypher_directory() / "analysis").glob("*.cypher"))

# Expected rows by question, worked out by hand from the organisation as it is drawn in sample_organisation.
ANSWERS: dict[str, list[list[Any]]] = {
    "alert_history": [
        ["alert-1", "OPEN", ["catalog", "search", "catalog"], line, encode(change).decode()]
        for line, change in enumerate(ALERT_HISTORY, 1)
    ],
    "assumed_edges": [["criticality", 7, 4, 2], ["mode", 1, 10, 0]],
    "claims_by_source": [
        ["OTEL", 10, 9, 6, NOW, NOW, 0.9],
        ["MANUAL", 2, 1, 2, NOW - timedelta(days=40), NOW, 0.9],
    ],
    "community_crossings": [
        [0, 1, 2, 2, ["app -> auth", "web -> auth"]],
        [0, 2, 2, 2, ["web -> pay-one", "web -> pay-two"]],
    ],
    # 3 of 4 requests pass users-db, which fails 5 of 100
    "journeys_on_spent_budgets": [["buy", "users-db", -0.25, "identity"], ["buy", "catalog", 0.125, "shop"]],
    "journeys_weakest_links": [
        ["buy", "users-db", 0.75, 0.0375],
        ["buy", "auth", 0.75, 0.015],
        ["buy", "web", 1.0, 0.01],
        ["buy", "catalog", 0.25, 0.0025],
    ],
    "slos_behind_single_points": [["users-db", 0.96, ["web"], 3], ["auth", 0.95, ["web"], 2]],
    "cycles": [["scc-catalog", 2, ["catalog", "search", "catalog"], ["shop"], "OPEN"]],
    "declared_or_observed_only": [
        ["batch", "old", "DECLARED_ONLY", ["MANUAL"]],
        *(
            [caller, dependency, "OBSERVED_ONLY", ["OTEL"]]
            for caller, dependency in (
                ("app", "auth"),
                ("app", "catalog"),
                ("batch", "users-db"),
                ("catalog", "search"),
                ("search", "catalog"),
                ("web", "auth"),
                ("web", "catalog"),
                ("web", "pay-one"),
                ("web", "pay-two"),
            )
        ),
    ],
    # 2 of 100 against 5 allowed and 5 of 100 against 4 allowed; 1 of 100 against 2 allowed
    "error_budget_by_team": [["identity", 2, 7 / 9, "users-db", 1.25], ["shop", 1, 0.5, "web", 0.5]],
    "external_provider_reach": [["pay-one", 1, 1, 0.999, 0.97], ["pay-two", 1, 1, 0.9995, None]],
    "failed_requests_by_team": [
        ["identity", 2, 504.0, 14400.0, 0.965],
        ["(no team)", 1, 216.0, 7200.0, 0.97],
        ["shop", 4, 144.0, 28800.0, 0.995],
    ],
    "failing_calls": [["web", "auth", 3600.0, 144.0, 0.04]],
    "longest_call_chains": [
        ["app", 2, ["app", "auth", "users-db"]],
        ["web", 2, ["web", "auth", "users-db"]],
        ["batch", 1, ["batch", "old"]],
    ],
    "low_confidence_recommendations": [["auth", "AVAILABILITY", 0.3, 89.5, False, ["DEPENDENCY_OBSERVED"]]],
    # app -> auth: the interval reaches above half
    "measured_far_below_declared": [
        ["web", "auth", 1.0, 0.3, 0.2, 0.4, ["criticality"]],
        ["web", "catalog", 0.1, 0.01, 0.0, 0.02, []],
    ],
    "most_shared_dependencies": [["catalog", 3, 1, 2], ["auth", 2, 1, 2], ["users-db", 2, 1, 1]],
    "recent_decisions": [
        [NOW, "user:ada", "SET", "users-db", "AVAILABILITY", "agreed", 3],
        [NOW, "user:ada", "SET", "auth", "AVAILABILITY", "agreed", 2],
        [NOW, "user:ada", "SET", "web", "AVAILABILITY", "agreed", 1],
    ],
    "redundancy_groups": [["web", "pay", ["pay-one", "pay-two"], 1, 1]],
    "services_without_slo": [
        ["catalog", "shop", None, 3, None],
        ["old", "shop", None, 1, None],
        ["search", "shop", None, 1, None],
        ["app", "shop", "CRITICAL", 0, 0.98],
        ["batch", None, "HIGH", 0, None],
    ],
    "services_without_telemetry": [
        ["batch", None, "HIGH", None],
        ["old", "shop", None, None],
        ["pay-two", None, None, None],
    ],
    "single_points_of_failure": [
        ["auth", 2, ["app", "web"], "identity"],
        ["users-db", 2, ["app", "web"], "identity"],
    ],
    "slo_above_dependency_promises": [["web", 0.98, 0.95, []]],
    "slo_tighter_than_recommended": [["web", 0.98, 0.97, 0.97, "MANUAL"]],
    "open_divergences": [
        ["batch", None, "old", "DECLARED_ONLY", NOW - timedelta(days=40), 40, "not seen"],
    ],
    "stale_edges": [["batch", "old", NOW - timedelta(days=40), 40, ["MANUAL"]]],
    "unowned_critical_services": [["batch", "HIGH", 0]],
    "weakest_hard_dependencies": [["app", "auth", 0.98, 7200.0], ["web", "auth", 0.98, 7200.0]],
    "what_limits_targets": [["users-db", 3, ["app", "auth", "web"]]],
    # 2 of 9 * 8 pairs each pass auth and catalog; ranks by solving r = 0.015 + 0.85 P r
    "where_chains_of_calls_lead": [
        ["catalog", 0.0278, 0.0, 0.310, "shop"],
        ["auth", 0.0278, 0.0, 0.057, "identity"],
        ["search", 0.0, 0.0, 0.298, "shop"],
        ["users-db", 0.0, 0.0, 0.112, "identity"],
        ["pay-one", 0.0, 0.0, 0.042, None],
        ["pay-two", 0.0, 0.0, 0.042, None],
        ["app", 0.0, 0.0, 0.035, "shop"],
        ["batch", 0.0, 0.0, 0.035, None],
        ["old", 0.0, 0.0, 0.035, "shop"],
        ["web", 0.0, 0.0, 0.035, "shop"],
    ],
    # async batch and the providers' group pass nothing on; "old" is stale
    "widest_blast_radius": [
        ["catalog", 3, True, 1, "shop", 2],
        ["search", 3, True, 2, "shop", 2],
        ["users-db", 3, True, 1, "identity", 2],
        ["auth", 2, True, 1, "identity", 2],
    ],
}


@pytest.fixture
async def organisation(stores: Neo4jStores) -> Neo4jStores:
    await settle(stores)
    return stores


def readable(value: Any) -> Any:
    """An expected value in the form of the console; numbers to rounding."""
    if hasattr(value, "isoformat"):
        return value.isoformat(timespec="microseconds").replace("+00:00", "000+00:00")
    return pytest.approx(value) if isinstance(value, float) else value


def test_every_question_has_an_answer_that_was_worked_out():
    assert len(QUESTIONS) >= 12
    assert sorted(ANSWERS) == QUESTIONS


async def test_the_questions_are_answered_right(organisation: Neo4jStores):
    for question in QUESTIONS:
        text = (cypher_directory() / "analysis" / f"{question}.cypher").read_text()

        answer = await run_cypher(organisation.connection, text)

        expected = [[readable(value) for value in row] for row in ANSWERS[question]]
        assert [list(row) for row in answer.rows] == expected, question


async def test_the_questions_run_on_an_empty_graph(stores: Neo4jStores):
    for question in QUESTIONS:
        text = (cypher_directory() / "analysis" / f"{question}.cypher").read_text()

        answer = await run_cypher(stores.connection, text)

        assert answer.columns, question


async def test_each_question_names_its_columns(stores: Neo4jStores):
    for question in QUESTIONS:
        file = cypher_directory() / "analysis" / f"{question}.cypher"
        heading, explained = cypher_cookbook.question(file).split("\n\n")[:2]

        answer = await run_cypher(stores.connection, f"EXPLAIN {file.read_text()}")

        assert heading.endswith("?"), question
        assert [column for column in answer.columns if column not in explained] == [], question


def test_the_page_shows_the_questions_as_they_are():
    assert cypher_cookbook.main(["--check"]) == 0
