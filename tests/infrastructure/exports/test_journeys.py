from __future__ import annotations

import asyncio
import copy
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sloengine.application.journeys.save_journeys import SaveJourneyCommand
from sloengine.domain.journeys.model import Journey, JourneyRoute, problems_of
from sloengine.domain.recommendation.model import Recommendation
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.infrastructure.exports import JourneyExport, export_definitions, export_openslo
from sloengine.infrastructure.exports.openslo_journeys import COMPOSED
from sloengine.infrastructure.files.journeys import read_journeys
from tests.application.organisation import ADMIN, Engine, shop
from tests.infrastructure.exports.openslo_rules import problems

AT = datetime(2026, 3, 2, tzinfo=UTC)
NAMES = ["buy", "Buy: a thing!", "yes", "1e3", "null", "ünïcödé 🦊", "- a: b", "x" * 200]
TEXT = st.one_of(st.sampled_from(NAMES), st.text(min_size=1, max_size=30)).map(str.strip)
ROUTE = st.builds(
    JourneyRoute,
    TEXT,
    st.floats(min_value=1e-9, max_value=1e9),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True).map(tuple),
)
JOURNEY = st.builds(
    lambda name, entry, routes: Journey("j", name, tuple(entry), tuple(routes), "a", AT, "a", AT),
    TEXT,
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
    st.lists(ROUTE, max_size=3, unique_by=lambda route: route.name),
).filter(lambda one: not list(problems_of(one.name, one.entry_points, one.routes)))


def parts(one: Journey | SaveJourneyCommand) -> tuple[Any, ...]:
    return one.name, tuple(one.entry_points), tuple(one.routes)


@settings(deadline=None)
@given(journeys=st.lists(JOURNEY, min_size=1, max_size=4, unique_by=lambda one: one.name))
def test_what_is_exported_as_a_file_is_read_back_to_the_same_journeys(journeys: list[Journey]):
    (file,) = export_definitions(journeys).files

    with TemporaryDirectory() as folder:
        path = Path(folder) / file.path
        path.write_text(file.content, encoding="utf-8")
        read = read_journeys(path)

    assert [parts(one) for one in read] == sorted((parts(one) for one in journeys), key=lambda one: one[0])


async def exported(window: ComplianceWindow) -> JourneyExport:
    engine = await shop()
    commands = [
        SaveJourneyCommand("buy", ["front"], [JourneyRoute("all", 1.0, ("front", "cart", "db"))]),
        SaveJourneyCommand("Buy: a thing, with a name that is rather long " + "x" * 100, ["front"]),
    ]
    saved = (await engine.use.save_journeys(commands, actor=ADMIN)).saved
    answers = await engine.use.recommend_journeys(saved, window)
    assert isinstance(answers[saved[0].journey_id].availability, Recommendation)
    return export_openslo(list(answers.values()))


@pytest.fixture(scope="module")
def export() -> JourneyExport:
    return asyncio.run(exported(ComplianceWindow.ROLLING_28D))


def documents(export: JourneyExport) -> list[dict[str, Any]]:
    return [document for file in export.files for document in yaml.safe_load_all(file.content)]


def test_each_tier_of_a_journey_is_a_valid_document_with_the_recommended_target(export: JourneyExport):
    found = documents(export)

    assert [problems(document) for document in found] == [[]] * len(found)
    assert len({(document["kind"], document["metadata"]["name"]) for document in found}) == len(found)
    slos = [document for document in found if document["kind"] == "SLO"]
    tiers = [one for one in slos if one["metadata"]["name"].startswith("journey-buy-availability")]
    assert [one["metadata"]["labels"]["sloengine-tier"] for one in tiers] == [
        ["conservative"],
        ["balanced"],
        ["aggressive"],
    ]
    targets = [one["spec"]["objectives"][0]["targetPercent"] for one in tiers]
    assert targets == sorted(targets)
    assert {one["spec"]["service"] for one in slos} == {
        one["metadata"]["name"] for one in found if one["kind"] == "Service"
    }
    assert COMPOSED in {loss.message for loss in export.losses}


def test_what_has_no_answer_is_a_loss_and_no_document(export: JourneyExport):
    latency = [document for document in documents(export) if "latency" in document["metadata"]["name"]]
    told = [loss for loss in export.losses if "latency" in loss.message]

    assert bool(latency) != bool(told)


async def test_files_can_be_put_behind_each_other():
    engine = Engine()
    await engine.ingest(dependencies=[{"caller": "a", "dependency": "b"}])
    commands = [SaveJourneyCommand("first", ["a"]), SaveJourneyCommand("second", ["b"])]
    saved = (await engine.use.save_journeys(commands, actor=ADMIN)).saved
    answers = await engine.use.recommend_journeys(saved, ComplianceWindow.ROLLING_28D)

    files = export_openslo(list(answers.values())).files

    found = list(yaml.safe_load_all("".join(file.content for file in files)))
    assert [document["metadata"]["name"] for document in found] == ["journey-first", "journey-second"]


@pytest.mark.parametrize(
    ("window", "duration", "start"),
    [
        (ComplianceWindow.ROLLING_7D, "7d", None),
        (ComplianceWindow.CALENDAR_MONTH, "1M", "2026-03-01 00:00:00"),
        (ComplianceWindow.CALENDAR_QUARTER, "1Q", "2026-01-01 00:00:00"),
    ],
)
async def test_windows_are_rolling_or_of_the_calendar(window: ComplianceWindow, duration: str, start: str | None):
    found = [document for document in documents(await exported(window)) if document["kind"] == "SLO"]

    assert found
    assert [problems(document) for document in found] == [[]] * len(found)
    for document in found:
        (stated,) = document["spec"]["timeWindow"]
        assert stated["duration"] == duration
        assert stated.get("calendar", {}).get("startTime") == start


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["metadata"].update(name="Not A Label"),
        lambda one: one["spec"]["objectives"][0].update(targetPercent=100.0),
        lambda one: one["spec"]["objectives"][0].update(op="lte", value=1),
        lambda one: one["spec"]["timeWindow"][0].update(duration="1h30m"),
        lambda one: one["spec"].update(budgetingMethod="Sometimes"),
        lambda one: one["spec"]["indicator"]["spec"]["ratioMetric"]["good"]["metricSource"].pop("spec"),
    ],
)
def test_the_rules_refuse_what_openslo_refuses(export: JourneyExport, change: Callable[[Any], Any]):
    slo = copy.deepcopy(next(document for document in documents(export) if document["kind"] == "SLO"))

    change(slo)

    assert problems(slo)


@pytest.mark.slow
def test_openslo_s_own_tool_takes_them(export: JourneyExport, tmp_path: Path):
    oslo = shutil.which("oslo")
    if oslo is None:
        pytest.skip("oslo, OpenSLO's validator, is not on PATH; only the rules written down by hand were checked")
    for file in export.files:
        path = tmp_path / file.path.replace("/", "-")
        path.write_text(file.content, encoding="utf-8")
        answer = subprocess.run([oslo, "validate", "-f", str(path)], capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stdout + answer.stderr
