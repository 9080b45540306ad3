"""``--json`` of every command that has a GraphQL type to be held to."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sloengine.domain.recommendation.model import Estimate
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.divergence import Divergence, DivergenceKind
from tests.application.organisation import NOW, Engine
from tests.cli.conftest import Answer, Run
from tests.cli.files import edges_file, latency_file, sli_file
from tests.cli.shapes import check
from tests.domain.topology.findings import finding

ENVELOPE = {"recommendations", "unavailable", "warnings"}


def check_envelope(document: Any, *, stored: bool) -> None:
    assert document.keys() == ENVELOPE
    for recommendation in document["recommendations"]:
        check(recommendation, "Recommendation", stored=stored)
    for result in document["unavailable"]:
        check(result, "RecommendationUnavailable", stored=stored)
    assert all(isinstance(warning, str) for warning in document["warnings"])


def fine(answer: Answer) -> Any:
    assert answer.code == 0, answer.err
    return answer.json


def test_offline(run: Run, tmp_path: Path):
    edges, sli, latency = edges_file(tmp_path), sli_file(tmp_path), latency_file(tmp_path)

    document = fine(run("offline", "--edges", edges, "--sli", sli, "--latency", latency, "--json"))

    check_envelope(document, stored=False)
    kinds = {(one["service"]["serviceId"], one["sliType"]) for one in document["recommendations"]}
    assert {("front", "AVAILABILITY"), ("front", "LATENCY")} <= kinds
    assert document["unavailable"]
    [front] = [
        one for one in document["recommendations"] if one["bound"] and one["service"]["serviceId"] == "front"
    ]
    assert front["bound"]["contributions"]
    assert front["provenance"]["queries"]
    assert all("missingReason" in tier for one in document["recommendations"] for tier in one["tiers"])


def test_recommend(ask: Run):
    document = fine(ask("recommend", "front", "db", "--json"))

    check_envelope(document, stored=True)
    assert {one["sliType"] for one in document["recommendations"]} == {"AVAILABILITY", "LATENCY"}
    assert document["unavailable"]


def test_services(ask: Run):
    document = fine(ask("services", "--json"))

    assert document.keys() == {"services", "totalCount"}
    assert document["totalCount"] == len(document["services"]) == 3
    for service in document["services"]:
        check(service, "Service")


def test_graph(ask: Run):
    document = fine(ask("graph", "front", "--json"))

    check(document, "DependencyGraph")
    assert len(document["dependencies"]) == 2
    assert all(edge["claims"] for edge in document["dependencies"])


def test_a_cycle_in_the_graph(connected: Callable[[Engine], Run], tmp_path: Path):
    file = tmp_path / "circle.csv"
    file.write_text("caller,dependency\na,b\nb,a\n")
    ask = connected(Engine())
    fine(ask("ingest", str(file), "--json"))

    document = fine(ask("graph", "a", "--json"))

    check(document, "DependencyGraph")
    assert [len(node["members"]) for node in document["supernodes"]] == [2]
    (alert,) = fine(ask("cycles", "--json"))["circularDependencyAlerts"]
    check(alert, "CircularDependencyAlert")


def test_the_place_of_services_in_the_graph(ask: Run, engine: Engine):
    before = fine(ask("services", "--json"))
    asyncio.run(engine.use.analyse_graph())

    listed = fine(ask("services", "--order", "blast-radius", "--json"))
    drawn = fine(ask("graph", "front", "--json"))
    table = ask("services", "--order", "blast-radius")

    assert [one["centrality"] for one in before["services"]] == [None] * 3
    for service in (*listed["services"], *drawn["services"]):
        check(service, "Service")
    radius = {one["serviceId"]: one["centrality"]["blastRadius"] for one in listed["services"]}
    assert list(radius.items()) == [("db", 2), ("cart", 1), ("front", 0)]
    assert {one["serviceId"]: one["centrality"]["blastRadius"] for one in drawn["services"]} == radius
    assert table.out.index("db") < table.out.index("cart") < table.out.index("front")


def test_ingest(ask: Run, tmp_path: Path):
    good = fine(ask("ingest", edges_file(tmp_path), "--json"))
    bad = tmp_path / "bad.json"
    bad.write_text('{"services": [{"serviceId": ""}], "dependencies": [{"caller": "a", "dependency": "b"}]}')
    rejected = ask("ingest", str(bad), "--json").json

    for document in (good, rejected):
        check(document, "Ingestion")
    assert len(rejected["rejected"]) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("accept", "front", "--tier", "balanced"),
        ("accept", "front", "--tier", "balanced", "--sli", "latency"),
        ("modify", "front", "--tier", "balanced", "--target", "availability=99", "--rationale", "so"),
        ("reject", "front", "--rationale", "so"),
        ("set-slo", "front", "--target", "availability=99", "--rationale", "so"),
        (
            "set-slo",
            "front",
            "--sli",
            "latency",
            "--target",
            "p95=250",
            "--target",
            "p99=900",
            "--rationale",
            "so",
        ),
    ],
    ids=lambda arguments: " ".join(arguments[:5]),
)
def test_decisions(ask: Run, arguments: tuple[str, ...]):
    fine(ask("recommend", "front", "--json"))

    document = fine(ask(*arguments, "--json"))

    check(document, "SloDecisionPayload")
    assert document["auditEvent"]["sequence"] == 1
    assert (document["slo"] is None) == (arguments[0] == "reject")


def test_audit(ask: Run):
    for target in ("99", "99.5"):
        fine(ask("set-slo", "front", "--target", f"availability={target}", "--rationale", "so", "--json"))

    listed = fine(ask("audit", "list", "--json"))
    integrity = fine(ask("audit", "verify", "--json"))

    assert listed.keys() == {"auditLog", "totalCount"}
    assert [event["sequence"] for event in listed["auditLog"]] == [2, 1]
    for event in listed["auditLog"]:
        check(event, "AuditEvent")
    check(integrity, "AuditIntegrity")
    assert integrity["intact"] is True


def test_the_check_sees_what_differs(ask: Run):
    right = fine(ask("graph", "front", "--json"))

    def broken(change: Callable[[Any], object]) -> Any:
        document = copy.deepcopy(right)
        change(document)
        return document

    for change in (
        lambda d: d.update(extra=1),
        lambda d: d.pop("truncated"),
        lambda d: d.update(graphVersion="1"),
        lambda d: d["services"][0].update(id=None),
        lambda d: d["services"][0].pop("team"),
        lambda d: d["dependencies"][0].update(mode="sync"),
        lambda d: d["dependencies"][0]["caller"].pop("serviceId"),
        lambda d: d["dependencies"][0].update(lastObservedAt="2026-03-01"),
    ):
        with pytest.raises(AssertionError):
            check(broken(change), "DependencyGraph")


def test_divergences(ask: Run, engine: Engine):
    found = Divergence(
        "d1", DivergenceKind.DECLARED_ONLY, "front", "cart", (DiscoverySource.MANUAL,), (), NOW, "no"
    )
    engine.db.divergences["d1"] = found

    document = fine(ask("divergences", "--json"))
    table = ask("divergences").out

    assert document["totalCount"] == 1
    check(document["divergences"][0], "Divergence", stored=True)
    assert "front" in table
    assert "nobody" in table


def test_what_was_measured_of_an_edge_is_in_the_graph(ask: Run, engine: Engine):
    engine.db.pass_through["front", "cart"] = finding(Estimate(0.25, 0.1, 0.5))

    document = fine(ask("graph", "front", "--json"))
    tree = ask("graph", "front").out

    shares = {edge["dependency"]["serviceId"]: edge["measuredPassThrough"] for edge in document["dependencies"]}
    assert shares == {"cart": {"value": 0.25, "low": 0.1, "high": 0.5}, "db": None}
    assert "passes on 25%" in tree


def test_events(ask: Run, engine: Engine):
    fine(ask("set-slo", "front", "--target", "availability=99", "--rationale", "so", "--json"))
    asyncio.run(engine.use.relay_outbox())

    listed = ask("events", "--json")
    events = [json.loads(line) for line in listed.out.splitlines()]
    [changed] = [json.loads(line) for line in ask("events", "--json", "--type", "SloChanged").out.splitlines()]
    text = ask("events", "--after", str(int(changed["id"]) - 1)).out
    nothing = ask("events", "--after", "99999")

    assert listed.code == 0, listed.err
    assert [int(event["id"]) for event in events] == list(range(1, len(events) + 1))
    assert {"IngestionProgressed", "GraphChanged", "SloChanged"} <= {event["__typename"] for event in events}
    for event in events:
        check(event, event.pop("__typename"))
    assert text.startswith(f"{changed['id']} ")
    assert "SloChanged front" in text
    assert (nothing.code, nothing.out) == (2, "")
    assert "after: no event has the id 99999 yet" in nothing.err
