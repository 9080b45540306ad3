from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from sloengine.application.journeys.save_journeys import SaveJourneyCommand
from tests.application.impact.test_analyse_impact import organisation, promise
from tests.application.organisation import ADMIN, Engine
from tests.cli.conftest import Run
from tests.cli.shapes import check, schema


def test_impact_is_a_table_and_a_document(connected: Callable[[Engine], Run]):
    engine = asyncio.run(organisation())
    asyncio.run(promise(engine, "checkout", 0.999))
    ask = connected(engine)

    text = ask("impact", "store", "--availability", "99.5").out
    document = ask("impact", "store", "--availability", "99.5", "--json").json

    assert "breaks" in text
    assert "Ask team-checkout" in text
    assert [row["service"]["serviceId"] for row in document["rows"]["nodes"]] == ["checkout", "cart"]
    for row in document["rows"]["nodes"]:
        assert f"  {row['service']['serviceId']}: {row['reason']}\n" in text
    for row in document["rows"]["nodes"]:
        check(row, "ImpactRow")
    assert set(document) == set(schema().type_map["ImpactAnalysis"].fields)
    assert document["journeys"] == []


def test_impact_names_the_journeys_that_it_reaches(connected: Callable[[Engine], Run]):
    engine = asyncio.run(organisation())
    asyncio.run(promise(engine, "checkout", 0.999))
    asyncio.run(engine.use.save_journey(SaveJourneyCommand("buy", ["checkout"]), actor=ADMIN))
    ask = connected(engine)

    text = ask("impact", "store", "--availability", "99.5").out
    [journey] = ask("impact", "store", "--availability", "99.5", "--json").json["journeys"]

    assert "1 journey" in text
    assert "not kept" in text
    assert "buy" in text
    check(journey, "ImpactedJourney")
    assert journey["journey"]["name"] == "buy"
    assert journey["violates"]
    assert journey["boundAfterPercent"] < journey["boundBeforePercent"]


def test_several_changes_come_from_a_file(connected: Callable[[Engine], Run], tmp_path: Path):
    ask = connected(asyncio.run(organisation()))
    (tmp_path / "changes.yaml").write_text(
        "- {serviceId: store, kind: AVAILABILITY, availabilityPercent: 99.5}\n"
        "- {serviceId: cart, kind: AVAILABILITY, availabilityPercent: 99}\n"
    )

    document = ask("impact", "--changes", "changes.yaml", "--json").json

    assert {row["service"]["serviceId"] for row in document["rows"]["nodes"]} == {"checkout", "cart"}


def test_bad_input_ends_with_2_and_says_where(connected: Callable[[Engine], Run], tmp_path: Path):
    ask = connected(asyncio.run(organisation()))
    (tmp_path / "odd.json").write_text('[{"serviceId": "store", "kind": "SPEED"}]')

    odd, nothing, nobody = (
        ask("impact", "--changes", "odd.json"),
        ask("impact", "store"),
        ask("impact", "nobody", "--availability", "99"),
    )

    assert {odd.code, nothing.code, nobody.code} == {2}
    assert "kind is one of AVAILABILITY" in odd.err
    assert "no service 'nobody'" in nobody.err
