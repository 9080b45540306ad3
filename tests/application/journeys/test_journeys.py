"""Journeys from saving to tiers, on memory adapters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from sloengine.application.impact.analyse_impact import AnalyseImpactCommand
from sloengine.application.journeys import save_journeys
from sloengine.application.journeys.derive_journeys import DeriveJourneysCommand, JourneySource
from sloengine.application.journeys.save_journeys import SaveJourneyCommand
from sloengine.application.ports.paging import PageRequest
from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.domain.errors import Conflict, Forbidden, Invalid, NotFound, ServiceNotFound, Unavailable
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.impact.model import SloChange
from sloengine.domain.journeys.derive import TracedRequest
from sloengine.domain.journeys.model import Journey, JourneyRoute
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Recommendation,
    RecommendationUnavailable,
    SliType,
    TierName,
    UnavailableReason,
)
from sloengine.domain.topology.name_rules import NameRules
from sloengine.infrastructure.memory.journey_store import MemoryJourneyStore
from sloengine.infrastructure.memory.journey_traces import MemoryJourneyTraces
from tests.application.organisation import ADMIN, OWNER, VIEWER, Engine, edges, shop

BUY = SaveJourneyCommand("buy", ["front"])


async def test_who_owns_the_entry_points_may_save_and_delete():
    engine = await shop(days=10)

    mine = await engine.use.save_journey(BUY, actor=OWNER)
    with pytest.raises(Forbidden):
        await engine.use.save_journey(SaveJourneyCommand("other", ["front", "cart"]), actor=OWNER)
    with pytest.raises(Forbidden):
        await engine.use.save_journey(SaveJourneyCommand("look", ["front"]), actor=VIEWER)
    theirs = await engine.use.save_journey(SaveJourneyCommand("cart", ["cart"]), actor=ADMIN)
    with pytest.raises(Forbidden):
        await engine.use.save_journey(SaveJourneyCommand("cart", ["front"]), actor=OWNER)
    with pytest.raises(Forbidden):
        await engine.use.delete_journey(theirs.journey_id, actor=OWNER)

    assert (mine.created_by, mine.entry_points) == (OWNER.subject, ("front",))
    assert await engine.use.delete_journey(mine.journey_id, actor=OWNER) == mine
    with pytest.raises(NotFound):
        await engine.use.delete_journey(mine.journey_id, actor=OWNER)


@pytest.mark.parametrize(
    ("command", "error", "path"),
    [
        (SaveJourneyCommand("", ["front"]), Invalid, ("input", "name")),
        (SaveJourneyCommand("a\nb", ["front"]), Invalid, ("input", "name")),
        (SaveJourneyCommand("a", []), Invalid, ("input", "entryPoints")),
        (SaveJourneyCommand("a", ["nobody"]), ServiceNotFound, ("input", "entryPoints", "0")),
        (
            SaveJourneyCommand("a", ["front"], [JourneyRoute("r", 0.0, ("front",))]),
            Invalid,
            ("input", "routes", "0", "weight"),
        ),
        (
            SaveJourneyCommand("a", ["front"], [JourneyRoute("r", 1.0, ("front", "nobody"))]),
            ServiceNotFound,
            ("input", "routes", "0", "services", "1"),
        ),
        (
            SaveJourneyCommand("a", ["front"], [JourneyRoute("r", 1.0, ("front",))] * 2),
            Invalid,
            ("input", "routes", "1", "name"),
        ),
    ],
)
async def test_what_is_wrong_is_named(command, error, path):
    engine = await shop(days=10)

    with pytest.raises(error) as raised:
        await engine.use.save_journey(command, actor=ADMIN)

    assert raised.value.path == path


async def test_a_journey_of_one_entry_point_promises_what_that_service_does():
    engine = await shop()
    journey = await engine.use.save_journey(BUY, actor=ADMIN)

    answer = (await engine.use.recommend_journeys([journey]))[journey.journey_id]
    (service,) = await engine.use.recommend(RecommendCommand(["front"], (SliType.AVAILABILITY,)), actor=ADMIN)

    assert isinstance(answer.availability, Recommendation)
    assert isinstance(service, Recommendation)
    for name in TierName:
        ours, theirs = answer.availability.tier(name).targets, service.tier(name).targets
        # Other random numbers, and a service is held to its composite as well: near, not the same.
        assert 1 - ours[0].availability_ratio == pytest.approx(1 - theirs[0].availability_ratio, rel=0.25)
        assert 0.0 < ours[0].probability_met <= 0.995
    assert isinstance(answer.latency, Recommendation)
    links = {link.service_id: link.share_ratio for link in answer.weakest_links}
    assert set(links) == {"front", "cart", "db"}
    assert sum(links.values()) == pytest.approx(1.0, abs=0.02)


async def test_routes_promise_less_the_more_they_pass():
    engine = await shop()
    short = await engine.use.save_journey(
        SaveJourneyCommand("short", ["front"], [JourneyRoute("a", 1.0, ("front",))]), actor=ADMIN
    )
    long = await engine.use.save_journey(
        SaveJourneyCommand("long", ["front"], [JourneyRoute("a", 1.0, ("front", "cart", "db"))]), actor=ADMIN
    )

    answers = await engine.use.recommend_journeys([short, long])

    found = [answers[one.journey_id].availability for one in (short, long)]
    assert all(isinstance(one, Recommendation) for one in found)
    observed = [one.bound.observed_ratio for one in found]
    assert observed[1] < observed[0]
    targets = [one.tier(TierName.BALANCED).targets[0].availability_ratio for one in found]
    assert targets[1] <= targets[0]


async def test_nothing_aggregated_is_said():
    engine = Engine()
    await engine.ingest(dependencies=edges("front>cart"))
    journey = await engine.use.save_journey(BUY, actor=ADMIN)

    answer = (await engine.use.recommend_journeys([journey]))[journey.journey_id]

    assert isinstance(answer.availability, RecommendationUnavailable)
    assert answer.availability.reason is UnavailableReason.NO_DATA
    assert answer.weakest_links == ()


async def test_an_entry_point_without_histogram_has_no_latency_and_a_reason():
    engine = await shop()
    journey = await engine.use.save_journey(SaveJourneyCommand("cart", ["cart"]), actor=ADMIN)

    answer = (await engine.use.recommend_journeys([journey]))[journey.journey_id]

    assert isinstance(answer.latency, RecommendationUnavailable)
    assert answer.latency.reason is UnavailableReason.NO_HISTOGRAM
    assert "cart" in answer.latency.message


async def test_latency_is_composed_behind_an_entry_point_without_histogram():
    engine = await shop()
    await engine.ingest(services=[{"serviceId": "page"}], dependencies=edges("page>front"))
    command = SaveJourneyCommand("visit", ["page"], (JourneyRoute("r", 1.0, ("page", "front")),))
    journey = await engine.use.save_journey(command, actor=ADMIN)
    itself = await engine.use.save_journey(BUY, actor=ADMIN)

    answers = await engine.use.recommend_journeys([journey, itself])

    found, measured = answers[journey.journey_id].latency, answers[itself.journey_id].latency
    assert isinstance(found, Recommendation)
    assert isinstance(measured, Recommendation)
    assert any("no latency histogram of page" in one for one in found.data_quality.warnings)
    there, here = (one.tier(TierName.BALANCED).targets[0].threshold_ms for one in (measured, found))
    assert here == pytest.approx(there, rel=0.3)  # the same requests, a bucket bound at most apart


async def test_deriving_saves_what_is_new_and_nothing_in_a_dry_run():
    engine = await shop(days=10)
    command = DeriveJourneysCommand(JourneySource.GRAPH, dry_run=True)

    dry = await engine.use.derive_journeys(command, actor=ADMIN)
    nothing = await engine.use.read_journeys.page(PageRequest())
    made = await engine.use.derive_journeys(DeriveJourneysCommand(JourneySource.GRAPH), actor=OWNER)
    again = await engine.use.derive_journeys(DeriveJourneysCommand(JourneySource.GRAPH), actor=OWNER)

    assert [draft.name for draft in dry.drafts] == ["front"]
    assert nothing.total_count == 0
    assert (made.saved, made.kept) == (["front"], [])
    assert (again.saved, again.kept) == ([], ["front"])
    with pytest.raises(Forbidden):
        await engine.use.derive_journeys(command, actor=VIEWER)
    with pytest.raises(Unavailable):
        await engine.use.derive_journeys(DeriveJourneysCommand(JourneySource.TEMPO), actor=ADMIN)


async def test_traces_make_journeys_with_shares_as_weights():
    seen = [
        TracedRequest("front", "GET /buy", ("front", "cart", "db")),
        TracedRequest("front", "GET /buy", ("front", "cart", "db", "unheard-of")),
        TracedRequest("front", "GET /buy", ("front",)),
        TracedRequest("nobody", "GET /", ("nobody",)),
    ]
    engine = Engine(journey_traces=MemoryJourneyTraces(seen))
    await engine.ingest(dependencies=edges("front>cart", "cart>db"))

    found = await engine.use.derive_journeys(DeriveJourneysCommand(JourneySource.TEMPO), actor=ADMIN)

    (draft,) = found.drafts
    assert (draft.name, draft.entry_points) == ("front: GET /buy", ("front",))
    assert [(round(route.weight, 3), route.services) for route in draft.routes] == [
        (0.667, ("front", "cart", "db")),
        (0.333, ("front",)),
    ]
    assert any("unheard-of" in note for note in draft.notes)
    assert [warning.split(",")[0] for warning in found.warnings] == ["nobody is not in the graph"]
    assert found.saved == ["front: GET /buy"]


async def test_saved_aliases_hold_for_names_of_traces():
    seen = [TracedRequest("storefront", "GET /", ("storefront", "cart"))]
    engine = Engine(journey_traces=MemoryJourneyTraces(seen))
    await engine.ingest(dependencies=edges("front>cart"))
    await engine.use.save_name_rules(NameRules(aliases={"storefront": "front"}), revision=0, actor=ADMIN)

    found = await engine.use.derive_journeys(DeriveJourneysCommand(JourneySource.TEMPO), actor=ADMIN)

    assert (found.saved, found.warnings) == (["front: GET /"], ())


async def test_what_cannot_be_saved_is_reported_beside_what_was(monkeypatch: pytest.MonkeyPatch):
    engine = Engine()
    await engine.ingest(dependencies=edges("a>x", "b>x", "c>x"))
    monkeypatch.setattr(save_journeys, "MOST_JOURNEYS", 2)

    found = await engine.use.derive_journeys(DeriveJourneysCommand(JourneySource.GRAPH), actor=ADMIN)

    assert (found.saved, found.refused) == (["a", "b"], [])
    ((name, message),) = [(one.name, one.message) for one in found.failed]
    assert name == "c"
    assert "more than 2 journeys" in message


async def test_a_store_that_stops_answering_is_asked_once_and_the_report_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
):
    engine = Engine()
    await engine.ingest(dependencies=edges("a>x", "b>x", "c>x"))
    save, asked = MemoryJourneyStore.save_all, []

    async def save_one(self: MemoryJourneyStore, journeys: Any) -> Sequence[Journey]:
        asked.extend(journey.name for journey, _ in journeys)
        if len(asked) > 1:
            raise Unavailable("no answer")
        return await save(self, journeys)

    monkeypatch.setattr(MemoryJourneyStore, "save_all", save_one)

    found = await engine.use.derive_journeys(DeriveJourneysCommand(JourneySource.GRAPH), actor=ADMIN)

    assert (asked, found.saved) == (["a", "b"], ["a"])
    assert [(one.name, one.message) for one in found.failed] == [
        ("b", "no answer"),
        ("c", "not tried: no answer"),
    ]


async def test_a_name_that_another_team_takes_meanwhile_is_not_overwritten(monkeypatch: pytest.MonkeyPatch):
    engine = await shop(days=10)
    by_name = MemoryJourneyStore.by_name
    theirs = SaveJourneyCommand("new", ["cart"])

    async def too_late(self: MemoryJourneyStore, names: Any) -> Any:
        seen = await by_name(self, names)
        monkeypatch.undo()
        await engine.use.save_journey(theirs, actor=ADMIN)
        return seen

    monkeypatch.setattr(MemoryJourneyStore, "by_name", too_late)

    with pytest.raises(Conflict):
        await engine.use.save_journey(SaveJourneyCommand("new", ["front"]), actor=OWNER)

    stored = (await engine.use.read_journeys.by_name(["new"]))["new"]
    assert (stored.entry_points, stored.updated_by) == (("cart",), ADMIN.subject)


async def test_journeys_hurt_rest_on_what_the_rows_rest_on(monkeypatch):
    engine = await shop(days=10)
    await engine.use.save_journey(BUY, actor=ADMIN)
    changes = [SloChange("db", SloTarget(ObjectiveKind.AVAILABILITY, 0.9))]
    found = await engine.use.analyse_impact(AnalyseImpactCommand(changes), actor=VIEWER)

    async def no(*_):
        raise AssertionError("read again")

    monkeypatch.setattr(engine.history, "read", no)
    [hurt] = await engine.use.journeys_hurt(changes)

    row = next(row for row in found.rows if row.service_id == "front")
    assert (hurt.journey.name, hurt.before, hurt.after) == ("buy", row.before, row.after)
    assert await engine.use.journeys_hurt([SloChange("nobody", changes[0].target)]) == ()


async def test_all_of_a_list_are_saved_or_none_and_everything_that_is_wrong_is_told():
    engine = await shop()
    await engine.use.save_journey(BUY, actor=ADMIN)
    commands = [
        SaveJourneyCommand("fine", ["front"]),
        SaveJourneyCommand("nowhere", ["front", "no-such"], [JourneyRoute("r", 1.0, ("front", "neither"))]),
        SaveJourneyCommand(" ", [], [JourneyRoute("r", -1.0, ())]),
        SaveJourneyCommand("twice", ["front"]),
        SaveJourneyCommand("twice", ["front"]),
    ]

    refused = await engine.use.save_journeys(commands, actor=ADMIN)
    foreign = await engine.use.save_journeys([BUY, SaveJourneyCommand("cart", ["cart"])], actor=OWNER)
    fine = await engine.use.save_journeys([commands[0], commands[3]], actor=ADMIN)

    assert refused.saved == []
    assert [(one.position, ".".join(one.error.path)) for one in refused.refused] == [
        (1, "input.entryPoints.1"),
        (1, "input.routes.0.services.1"),
        (2, "input.name"),
        (2, "input.entryPoints"),
        (2, "input.routes.0.weight"),
        (2, "input.routes.0.services"),
        (3, "input.name"),
        (4, "input.name"),
    ]
    assert [type(one.error) for one in foreign.refused] == [Forbidden]
    assert [one.name for one in fine.saved] == ["fine", "twice"]
    assert (await engine.use.read_journeys.page(PageRequest())).total_count == 3
