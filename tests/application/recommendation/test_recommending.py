from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from sloengine.application.governance.set_slo import SetSloCommand
from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.recommendation_store import RecommendationJobStore
from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.application.recommendation.recommendation_job import LANES, StartRecommendationJobCommand
from sloengine.domain.errors import (
    Forbidden,
    IdempotencyMismatch,
    Invalid,
    NotFound,
    ServiceNotFound,
    Unavailable,
)
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    Recommendation,
    RecommendationStatus,
    RecommendationUnavailable,
    SliType,
    UnavailableReason,
)
from sloengine.domain.reliability.percentile_range import PercentileRange
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.ingestion import JobStatus
from sloengine.infrastructure.memory.telemetry_source import MemoryTelemetrySource
from tests.application.organisation import (
    ADMIN,
    DAY,
    HOUR,
    NOW,
    OWNER,
    VIEWER,
    Engine,
    edges,
    hourly_latency,
    hourly_panel,
    shop,
)

AVAILABILITY, LATENCY = SliType.AVAILABILITY, SliType.LATENCY


def ask(*service_ids: str, **more) -> RecommendCommand:
    return RecommendCommand(service_ids, **{"sli_types": [AVAILABILITY], **more})


async def one(engine: Engine, service_id: str = "front", **more) -> Recommendation:
    [result] = await engine.use.recommend(ask(service_id, **more), actor=ADMIN)
    assert isinstance(result, Recommendation)
    return result


async def test_each_service_and_sli_type_has_an_answer_in_the_order_asked_for():
    engine = await shop()

    results = await engine.use.recommend(RecommendCommand(["db", "front"]), actor=ADMIN)

    assert [(r.service_id, r.sli_type) for r in results] == [
        ("db", AVAILABILITY),
        ("db", LATENCY),
        ("front", AVAILABILITY),
        ("front", LATENCY),
    ]
    assert isinstance(results[1], RecommendationUnavailable)
    front = results[2]
    assert isinstance(front, Recommendation)
    assert front.recommendation_id is not None
    assert front.graph_version == 1
    assert front.bound is not None
    assert {part.service_id for part in front.bound.contributions} == {"cart", "db"}
    assert "recorded telemetry" in front.provenance.queries[0]
    assert not front.is_stale


async def test_a_stored_answer_is_given_again_while_nothing_has_moved():
    engine = await shop()
    first = await one(engine)

    assert await one(engine) == first
    assert len(engine.db.results) == 1


async def test_a_batch_that_breaks_off_is_taken_up_without_losing_or_doubling_any(monkeypatch):
    engine = await shop()
    [old] = await engine.use.recommend(ask("front"), actor=ADMIN)
    assert (await engine.use.read_recommendations.newest(["front"], AVAILABILITY))["front"] == old
    await engine.ingest(dependencies=edges("front>db"))
    store, save = engine.use.recommend.store, engine.use.recommend.store.save

    async def breaks_off(results, *, now):
        await save(results[:1], now=now)
        raise Unavailable("the database went away after the first portion")

    monkeypatch.setattr(store, "save", breaks_off)
    with pytest.raises(Unavailable):
        await engine.use.recommend(ask("front", "cart", "db"), actor=ADMIN)
    monkeypatch.setattr(store, "save", save)

    shown = (await engine.use.read_recommendations.newest(["front"], AVAILABILITY))["front"]
    answers = await engine.use.recommend(ask("front", "cart", "db"), actor=ADMIN)

    assert isinstance(shown, Recommendation)
    assert shown.graph_version == 2  # not what the cache held from before
    assert answers[0] == shown
    pages = await engine.use.read_recommendations.pages(["front", "cart", "db"], None, None, PageRequest())
    assert {one: page.total_count for one, page in pages.items()} == {"front": 2, "cart": 1, "db": 1}


async def test_force_computes_again_and_the_numbers_are_the_same():
    engine = await shop()
    first = await one(engine)

    second = await one(engine, force=True)

    assert second.recommendation_id != first.recommendation_id
    assert second.tiers == first.tiers
    stored = await engine.use.read_recommendations.by_id([first.recommendation_id or ""])
    assert stored[first.recommendation_id or ""].status is RecommendationStatus.SUPERSEDED


async def test_a_graph_that_changed_is_reason_to_compute_again():
    engine = await shop()
    first = await one(engine)
    await engine.ingest(dependencies=edges("front>db"))

    second = await one(engine)

    assert second.recommendation_id != first.recommendation_id
    assert second.graph_version == 2


async def test_another_window_is_another_recommendation():
    engine = await shop()
    first = await one(engine)

    second = await one(engine, window=ComplianceWindow.ROLLING_7D)

    assert second.window is ComplianceWindow.ROLLING_7D
    assert second.recommendation_id != first.recommendation_id


async def test_hours_that_are_missing_are_pulled_before_computing():
    panel = hourly_panel("front", days=30, until=NOW + 3 * HOUR)
    engine = Engine(MemoryTelemetrySource(panel))
    await engine.ingest(services=[{"serviceId": "front"}])
    await engine.aggregate()
    watermark = await engine.history.watermark()
    engine.clock.advance(2 * HOUR)

    recommendation = await one(engine)

    assert recommendation.provenance.to_at == NOW.replace(minute=0) + 2 * HOUR
    assert await engine.history.watermark() == watermark
    pulls = len(engine.source.pulls)
    await one(engine, force=True)
    assert len(engine.source.pulls) == pulls


async def test_a_service_nothing_was_ever_aggregated_for_is_pulled_from_its_beginning():
    panel = hourly_panel("front", days=30)
    engine = Engine(MemoryTelemetrySource(panel))
    await engine.ingest(services=[{"serviceId": "front"}])

    recommendation = await one(engine)

    assert recommendation.data_quality.days_of_history == pytest.approx(30, abs=1)


async def test_when_the_source_is_down_the_last_recommendation_is_given_marked_stale():
    engine = await shop()
    first = await one(engine)
    engine.clock.advance(HOUR)
    engine.source.is_down = True

    again = await one(engine)

    *known, told = again.data_quality.warnings
    assert told == ("the last recommendation: newer hours could not be read. the recorded source is down")
    quality = replace(again.data_quality, warnings=tuple(known))
    assert replace(again, data_quality=quality) == replace(first, is_stale=True)
    assert len(engine.db.results) == 1


async def test_when_the_source_is_down_what_was_aggregated_serves_a_first_recommendation():
    engine = await shop()
    engine.clock.advance(HOUR)
    engine.source.is_down = True

    recommendation = await one(engine)

    assert recommendation.is_stale
    assert recommendation.provenance.to_at == NOW.replace(minute=0)
    assert recommendation.data_quality.warnings[-1] == (
        "hours after 2026-03-02 12:00 UTC could not be read and are not in it. the recorded source is down"
    )


async def test_with_neither_source_nor_past_the_answer_says_so():
    engine = Engine(MemoryTelemetrySource(hourly_panel("front")))
    engine.source.is_down = True
    await engine.ingest(services=[{"serviceId": "front"}])

    [result] = await engine.use.recommend(ask("front"), actor=ADMIN)

    assert isinstance(result, RecommendationUnavailable)
    assert result.reason is UnavailableReason.SOURCE_DOWN


async def test_what_is_shown_turns_stale_when_hours_are_missing():
    engine = await shop()
    await one(engine)
    engine.clock.advance(4 * HOUR)

    shown = (await engine.use.read_recommendations.newest(["front"], AVAILABILITY))["front"]

    assert isinstance(shown, Recommendation)
    assert shown.is_stale


async def test_reading_does_not_ask_the_store_twice():
    engine = await shop()
    recommendation = await one(engine)
    engine.db.results.clear()

    shown = await engine.use.read_recommendations.newest(["front", "cart"], AVAILABILITY)

    assert shown["front"] == recommendation
    assert isinstance(shown["cart"], RecommendationUnavailable)


async def test_a_series_that_the_source_refused_is_the_reason_there_is_nothing():
    panel = hourly_panel("front", "cart", days=30)
    panel.good[1], panel.total[1] = np.nan, np.nan
    engine = Engine(MemoryTelemetrySource(panel, refused={"cart": "labels like personal data"}))
    await engine.ingest(dependencies=edges("front>cart"))
    await engine.aggregate()

    [result] = await engine.use.recommend(ask("cart"), actor=ADMIN)

    assert isinstance(result, RecommendationUnavailable)
    assert result.reason is UnavailableReason.BAD_TELEMETRY
    assert "labels like personal data" in result.message


async def test_what_dependencies_promise_bounds_their_callers():
    engine = await shop()
    before = await one(engine)
    assert before.bound is not None
    assert before.bound.promised_ratio is None
    target = SloTarget(ObjectiveKind.AVAILABILITY, availability_ratio=0.95)
    await engine.use.set_slo(SetSloCommand("cart", AVAILABILITY, [target], "honest"), actor=ADMIN)

    after = await one(engine, force=True)

    assert after.bound is not None
    assert after.bound.promised_ratio is not None
    assert after.bound.promised_ratio <= 0.9501


async def test_the_surroundings_alone_give_what_the_whole_graph_gives(monkeypatch):
    engine = await shop()
    whole = await one(engine)
    monkeypatch.setattr("sloengine.application.recommendation.evidence_reader.WHOLE_UP_TO_SERVICES", 0)

    part = await one(engine, force=True)

    assert part.tiers == whole.tiers
    assert part.bound == whole.bound


async def test_a_recommendation_says_what_made_its_target():
    engine = await shop()

    (front,) = await engine.use.recommend(ask("front"), actor=ADMIN)
    (stored,) = (await engine.use.read_recommendations.newest(["front"], SliType.AVAILABILITY)).values()

    assert isinstance(front, Recommendation)
    explanation = front.explanation
    assert explanation is not None
    assert isinstance(stored, Recommendation)
    assert stored.explanation == explanation
    assert explanation.target_value == pytest.approx(
        100 * (front.tier(explanation.tier).targets[0].availability_ratio or 0.0), abs=1e-9
    )
    total = sum(part.contribution for part in explanation.attributions)
    assert total == pytest.approx(explanation.target_value - explanation.reference_value, abs=1e-9)
    assert {"cart", "db"} == {part.service_id for part in explanation.attributions if part.service_id}


async def test_one_service_that_breaks_takes_no_other_with_it(monkeypatch):
    from sloengine.application.recommendation import compute_recommendations

    engine = await shop()
    real = compute_recommendations.recommend_with_case

    def breaks_on_cart(request, *rest):
        if request.service_id == "cart":
            raise ZeroDivisionError
        return real(request, *rest)

    monkeypatch.setattr(compute_recommendations, "recommend_with_case", breaks_on_cart)

    results = await engine.use.recommend(ask("front", "cart", "db"), actor=ADMIN)

    assert [result.service_id for result in results] == ["front", "db"]


@pytest.mark.parametrize(
    ("command", "actor", "error"),
    [
        (ask("front", "nobody"), ADMIN, ServiceNotFound),
        (ask(), ADMIN, Invalid),
        (ask(*(f"s{i}" for i in range(201))), ADMIN, Invalid),
        (ask("front"), VIEWER, Forbidden),
        (ask("cart"), OWNER, Forbidden),
    ],
)
async def test_what_cannot_be_asked_is_refused(command, actor, error):
    engine = await shop(days=3)

    with pytest.raises(error):
        await engine.use.recommend(command, actor=actor)


async def test_an_owner_may_ask_for_own_services():
    engine = await shop()

    assert await engine.use.recommend(ask("front"), actor=OWNER)


async def work_off(engine: Engine, batch_size: int = 1) -> int:
    """Run what is enqueued as the worker would; how many batches that took."""
    keep_on = replace(engine.use.continue_recommendation_job, batch_size=batch_size)
    batches = 0
    while engine.queue.messages:
        name, ids = engine.queue.messages.pop(0)
        if name == "recommendation.continue_job":
            await keep_on(**ids)
            batches += 1
    return batches


async def test_a_job_works_through_all_services_batch_by_batch_in_lanes():
    engine = await shop()
    engine.queue.messages.clear()

    job = await engine.use.start_recommendation_job(StartRecommendationJobCommand(), actor=ADMIN)
    assert (job.status, job.total, job.done) == (JobStatus.QUEUED, 3, 0)
    assert len(engine.queue.messages) == LANES
    batches = await work_off(engine)

    [done] = (await engine.use.read_recommendations.job([job.job_id, "none"])).values()
    assert (done.status, done.done, done.failed) == (JobStatus.SUCCEEDED, 3, 0)
    assert batches >= LANES
    assert len(engine.db.results) == 6


async def test_a_batch_that_runs_twice_counts_once():
    engine = await shop()
    job = await engine.use.start_recommendation_job(StartRecommendationJobCommand(["front", "db"]), actor=ADMIN)

    await asyncio.gather(
        *(engine.use.continue_recommendation_job(job.job_id, str(lane % LANES)) for lane in range(2 * LANES))
    )

    [done] = (await engine.use.read_recommendations.job([job.job_id])).values()
    assert (done.status, done.total, done.done) == (JobStatus.SUCCEEDED, 2, 2)


async def test_the_same_key_gives_the_same_job_and_another_body_is_refused():
    engine = await shop(days=3)
    command = StartRecommendationJobCommand(["front"], idempotency_key="k")

    first = await engine.use.start_recommendation_job(command, actor=ADMIN)
    await work_off(engine)
    again = await engine.use.start_recommendation_job(command, actor=ADMIN)

    assert first.job_id == again.job_id
    assert (first.status, again.status) == (JobStatus.QUEUED, JobStatus.SUCCEEDED)
    assert not engine.queue.messages
    for other in (replace(command, force=True), replace(command, service_ids=None)):
        with pytest.raises(IdempotencyMismatch):
            await engine.use.start_recommendation_job(other, actor=ADMIN)
    with pytest.raises(IdempotencyMismatch):
        await engine.use.recommend(ask("cart", idempotency_key="k"), actor=ADMIN)
    assert len(engine.db.jobs) == 1


async def test_the_same_key_gives_the_same_results_even_with_force():
    engine = await shop()
    command = ask("front", "db", force=True, idempotency_key="k")

    first = await engine.use.recommend(command, actor=ADMIN)
    engine.clock.advance(HOUR)
    again = await engine.use.recommend(command, actor=ADMIN)
    stored = len(engine.db.results)
    other_key = await engine.use.recommend(replace(command, idempotency_key="k2"), actor=ADMIN)

    assert again == first
    assert [result.service_id for result in first] == [result.service_id for result in other_key]
    assert stored == len(first)
    assert len(engine.db.results) == 2 * len(first)
    with pytest.raises(IdempotencyMismatch):
        await engine.use.recommend(replace(command, force=False), actor=ADMIN)


async def test_a_job_whose_messages_were_lost_is_enqueued_again_when_it_stands_still():
    engine = await shop(days=3)
    engine.queue.messages.clear()
    engine.queue.is_away = True
    job = await engine.use.start_recommendation_job(StartRecommendationJobCommand(["front", "db"]), actor=ADMIN)
    engine.queue.is_away = False

    early = await engine.use.resume_recommendation_jobs()
    engine.clock.advance(timedelta(minutes=2))
    swept = await engine.use.resume_recommendation_jobs()
    messages = len(engine.queue.messages)
    await work_off(engine)
    engine.clock.advance(timedelta(minutes=2))

    assert (list(early), list(swept), messages) == ([], [job.job_id], LANES)
    assert (await engine.use.read_recommendations.job([job.job_id]))[job.job_id].status is JobStatus.SUCCEEDED
    assert not await engine.use.resume_recommendation_jobs()


async def test_a_forced_batch_that_was_cut_off_before_it_was_counted_computes_nothing_twice():
    engine = await shop()
    job = await engine.use.start_recommendation_job(
        StartRecommendationJobCommand(["front", "db"], force=True), actor=ADMIN
    )
    jobs = CutOffOnce(engine.stores.recommendation_jobs)
    cut_off = replace(engine.use.continue_recommendation_job, jobs=jobs)

    for lane in range(LANES):
        with suppress(ConnectionError):
            await cut_off(job.job_id, str(lane))
    before = made(engine)
    engine.clock.advance(timedelta(minutes=2))
    await engine.use.resume_recommendation_jobs()
    await work_off(engine)

    assert before
    assert (await engine.use.read_recommendations.job([job.job_id]))[job.job_id].done == 2
    assert sorted(made(engine)) == ["db", "front", "front"]


def made(engine: Engine) -> list[str]:
    """The services of the recommendations on record, once for each."""
    return [result.service_id for _, _, result in engine.db.results if isinstance(result, Recommendation)]


class CutOffOnce:
    """The store of a worker that is killed between storing its first results and counting them."""

    def __init__(self, inner: RecommendationJobStore) -> None:
        self._inner = inner
        self._is_cut = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def mark_done(self, job_id: str, service_ids: Sequence[str], *, failed: int) -> None:
        if not self._is_cut:
            self._is_cut = True
            raise ConnectionError
        await self._inner.mark_done(job_id, service_ids, failed=failed)


async def test_one_batch_of_a_lane_is_worked_on_at_a_time():
    engine = await shop(days=3)
    job = await engine.use.start_recommendation_job(StartRecommendationJobCommand(["front"]), actor=ADMIN)
    lane = str(zlib.crc32(b"front") % LANES)

    async with engine.locks.hold(f"recommendation-job:{job.job_id}:{lane}", ttl_seconds=30):
        meanwhile = await engine.use.continue_recommendation_job(job.job_id, lane)
    after = await engine.use.continue_recommendation_job(job.job_id, lane)

    assert (meanwhile.done, after.done) == (0, 1)


async def test_a_job_is_forgotten_a_month_after_it_was_done():
    engine = await shop()
    job = await engine.use.start_recommendation_job(StartRecommendationJobCommand(["front"]), actor=ADMIN)
    await engine.stores.recommendation_jobs.mark_done(job.job_id, ["front"], failed=0)
    engine.clock.advance(timedelta(days=30))

    assert await engine.use.forget_recommendation_jobs() == 0
    engine.clock.advance(HOUR)
    assert await engine.use.forget_recommendation_jobs() == 1

    assert await engine.use.read_recommendations.job([job.job_id]) == {}


async def test_a_job_that_does_not_exist_is_said():
    with pytest.raises(NotFound):
        await Engine().use.continue_recommendation_job("nothing", "0")


async def test_old_recommendations_end():
    engine = await shop()
    await one(engine)
    engine.clock.advance(15 * DAY)

    shown = (await engine.use.read_recommendations.newest(["front"], AVAILABILITY))["front"]
    assert isinstance(shown, Recommendation)
    assert shown.status is RecommendationStatus.EXPIRED
    assert await engine.use.expire_recommendations() == ["front"]
    assert await engine.use.expire_recommendations() == []


async def test_latency_answers_say_what_is_known_of_withheld_cpu_and_of_traces():
    engine = await shop()
    watermark = await engine.history.watermark()
    known = replace(watermark, throttled={"front": 0.4}, traced_p99={"db": PercentileRange(0.5, 1.0)})
    await engine.history.set_watermark(known)

    results = await engine.use.recommend(RecommendCommand(["front", "db"], (LATENCY,), force=True), actor=ADMIN)

    by_service = {result.service_id: result for result in results}
    front, db = by_service["front"], by_service["db"]
    assert isinstance(front, Recommendation)
    assert any("withheld from front in 40 %" in said for said in front.data_quality.warnings)
    assert isinstance(db, RecommendationUnavailable)
    assert "between 500 and 1,000 ms" in db.message


async def test_a_latency_explanation_names_slow_spells_that_came_with_a_dependency():
    panel = hourly_panel("front", "cart", days=40)
    slow = {"front": hourly_latency("front", panel), "cart": hourly_latency("cart", panel)}
    for history in slow.values():
        for day in (12, 25):
            hours = slice(24 * day, 24 * (day + 1))
            history.counts[hours] = np.roll(history.counts[hours], 2, axis=1)
    engine = Engine(MemoryTelemetrySource(panel, slow))
    await engine.ingest(dependencies=edges("front>cart"))
    await engine.aggregate()

    async def groups(service_id: str) -> set[str]:
        command = RecommendCommand([service_id], (LATENCY,), force=True)
        (found,) = await engine.use.recommend(command, actor=ADMIN)
        assert isinstance(found, Recommendation)
        assert found.explanation is not None
        return {part.feature for part in found.explanation.attributions}

    assert "dependency latency" in await groups("front")
    assert "dependency latency" not in await groups("cart")
