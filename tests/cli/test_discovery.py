from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sloengine.domain.topology.dependency import EdgeAttributes
from sloengine.domain.topology.discovered import Discovered, DiscoveredDependency
from sloengine.infrastructure.memory.dependency_discovery import MemoryDependencyDiscovery
from tests.application.organisation import Engine
from tests.cli.conftest import Run
from tests.cli.shapes import check


@pytest.fixture
def seen() -> MemoryDependencyDiscovery:
    calls = (
        DiscoveredDependency("shop/web", "cart", EdgeAttributes(call_weight=2.0), 1_234.0, 12.0),
        DiscoveredDependency("web", "unknown"),
    )
    return MemoryDependencyDiscovery(found=Discovered(dependencies=calls, warnings=("sampled traces",)))


@pytest.fixture
def discover(connected: Callable[[Engine], Run], seen: MemoryDependencyDiscovery) -> Run:
    return connected(Engine(discoveries=[seen]))


def test_a_dry_run_prints_the_difference_and_exits_with_a_finding(discover: Run):
    answer = discover("discover", "otel", "--dry-run")

    assert answer.code == 1
    assert "1 dependencies added" in answer.out
    for words in ("web", "cart", "1,234", "0.97 %", "nobody", "namespace", "no service, by rule unknown-peer"):
        assert words in answer.out
    assert "sampled traces" in answer.err


def test_json_has_the_shape_of_the_payload(discover: Run):
    document = discover("discover", "otel", "--dry-run", "--json").json

    check(document, "IngestDependenciesPayload")
    check(document["difference"], "DiscoveryDifference")
    assert document["ingestion"] is None
    assert document["difference"]["dependencies"][0]["calls"] == 1234


def test_what_is_discovered_is_merged_and_a_second_time_nothing_is_new(discover: Run):
    first = discover("discover", "otel", "--json").json
    again = discover("discover", "otel", "--dry-run")

    assert first["ingestion"]["status"] == "SUCCEEDED"
    assert first["ingestion"]["edgesCreated"] == 1
    assert again.code == 0
    assert "1 as before" in again.out


def test_status_says_what_is_configured_and_how_it_went(discover: Run, seen: MemoryDependencyDiscovery):
    before = discover("discover", "status")
    seen.is_away = True
    failed = discover("discover", "otel")
    after = discover("discover", "status", "--json").json

    assert "never" in before.out
    assert failed.code == 3
    check(after["discoveryStates"][0], "DiscoveryState")
    assert "does not answer" in after["discoveryStates"][0]["lastRun"]["error"]


def test_what_is_not_configured_says_what_to_set(discover: Run):
    answer = discover("discover", "tempo", "--dry-run")

    assert answer.code == 3
    assert "SLOENGINE_TEMPO_URL" in answer.err


def test_a_time_that_is_none_is_bad_input(discover: Run):
    assert discover("discover", "otel", "--from", "yesterday").code == 2


def test_rules_go_out_and_come_back(discover: Run, tmp_path: Path):
    shipped = discover("discover", "rules", "--json")
    check(shipped.json, "NameRules")
    file = tmp_path / "rules.json"
    changed = {**shipped.json, "aliases": [{"sourceName": "shop/web", "serviceId": "storefront"}]}
    file.write_text(json.dumps(changed), encoding="utf-8")

    saved = discover("discover", "rules", "--set", str(file))
    again = discover("discover", "rules", "--set", str(file))
    dry = discover("discover", "otel", "--dry-run", "--json").json
    back = discover("discover", "rules", "--reset", "--json").json

    assert "storefront" in saved.out
    assert again.code == 2
    assert "revision 0" in again.err
    assert dry["difference"]["dependencies"][0]["caller"] == "storefront"
    assert back["rules"] == shipped.json["rules"]
    assert back["aliases"] == []


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"rules": [{"name": "a"}]}',
        '{"rules": [{"name": "a", "pattern": 3}]}',
        '{"rules": []}',
        '{"rules": [], "revision": "1"}',
    ],
)
def test_a_file_of_another_shape_is_bad_input(discover: Run, tmp_path: Path, text: str):
    file = tmp_path / "rules.json"
    file.write_text(text, encoding="utf-8")

    answer = discover("discover", "rules", "--set", str(file))

    assert answer.code == 2
    assert "sloengine discover rules --json" in answer.err


def test_every_source_that_can_be_discovered_has_a_command(discover: Run):
    for name in ("otel", "tempo", "mesh", "k8s", "backstage"):
        assert discover("discover", name, "--help").code == 0


def test_names_are_listed_and_decided_on(discover: Run, seen: MemoryDependencyDiscovery):
    none = discover("discover", "names")
    discover("discover", "otel")
    seen.found = Discovered(dependencies=(DiscoveredDependency("bank/web", "cart"),))
    discover("discover", "otel")

    listed, text = discover("discover", "names", "--json"), discover("discover", "names", "bank")
    given = discover("discover", "decide-name", "bank/web", "--id", "short", "--because", "it is the bank's")
    again = discover("discover", "decide-name", "bank/web", "--id", "short", "--because", "it is the bank's")
    gone = discover("discover", "decide-name", "shop/web", "--id", "forget", "--because", "is no more", "--json")
    unknown = discover("discover", "decide-name", "x/web", "--id", "full", "--because", "why")
    trail = discover("audit", "list", "--json")

    assert "no name" in none.out
    assert [name["serviceId"] for name in listed.json["rememberedNames"]] == ["bank/web", "web"]
    for name in listed.json["rememberedNames"]:
        check(name, "RememberedName")
    assert "the short id is another's" in text.out
    assert "bank/web is web; shop/web is shop/web; number 1 in the audit trail" in given.out
    assert "not moved" in given.err
    assert (again.code, unknown.code, gone.code) == (2, 2, 0)
    assert gone.json["names"] == []
    check(gone.json, "DecideNamePayload")
    assert gone.json["auditEvent"]["action"] == "NAME_DECIDED"
    assert "NAME_DECIDED" in trail.out
