from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dramatiq
import pendulum
import pytest
import yaml

import workers
from sloengine.application.ports.drift_store import WatchUpdate
from sloengine.application.recommendation.recommendation_job import LANES, StartRecommendationJobCommand
from sloengine.cli.background import THREADS, worker_command
from sloengine.domain.accuracy.record import CalibrationRecord
from sloengine.domain.drift.alarm import DriftEvent
from sloengine.domain.drift.model import Detector
from sloengine.domain.drift.watch import Watch
from sloengine.domain.errors import NotFound
from sloengine.domain.governance.model import AuditAction
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, SliType
from sloengine.domain.topology.discovered import Discovered, DiscoveredDependency
from sloengine.domain.topology.ingestion import JobStatus
from sloengine.infrastructure.memory.dependency_discovery import MemoryDependencyDiscovery
from sloengine.infrastructure.memory.telemetry_source import MemoryTelemetrySource
from sloengine.infrastructure.queue.broker import queue_of
from tests.application.forecast.test_forecast import fail, promised
from tests.application.organisation import ADMIN, Engine, edges, hourly_panel, shop
from tests.application.topology.test_divergences import disagreeing
from tests.workers.conftest import Bench
from workers import drift, forecast, governance, recommendation, telemetry, topology

PERIODS = {
    "drift.detect": ["12:00", "12:15", "12:45"],
    "forecast.watch_budgets": ["12:14"],
    "forecast.learn_levels": ["05:07"],
    "topology.discover_due": ["12:00", "12:05", "12:55"],
    "topology.resume_ingestions": ["12:00", "12:01", "12:59"],
    "topology.analyse_graph": ["12:00", "12:05", "12:55"],
    "topology.learn_pass_through": ["03:37"],
    "topology.mark_stale": ["12:17"],
    "telemetry.aggregate": ["12:02"],
    "telemetry.prune": ["03:23"],
    "recommendation.calibrate": ["04:41"],
    "telemetry.note_budgets": ["12:12"],
    "recommendation.expire": ["12:07"],
    "recommendation.forget_jobs": ["03:37"],
    "recommendation.refresh": ["05:22"],
    "recommendation.resume_jobs": ["12:00", "12:01", "12:59"],
    "governance.resume_telling": ["12:00", "12:01", "12:59"],
    "governance.keep_relaying": ["12:00", "12:01", "12:59"],
}


def test_every_actor_is_in_the_queue_that_senders_use():
    assert set(workers.broker.actors) == {
        "drift.detect",
        "drift.reevaluate",
        "forecast.learn_levels",
        "forecast.watch_budgets",
        "governance.keep_relaying",
        "governance.relay_outbox",
        "governance.resume_telling",
        "governance.tell_callers",
        "recommendation.calibrate",
        "recommendation.continue_job",
        "recommendation.expire",
        "recommendation.forget_jobs",
        "recommendation.refresh",
        "recommendation.resume_jobs",
        "telemetry.aggregate",
        "telemetry.learn_priors",
        "telemetry.note_budgets",
        "telemetry.prune",
        "topology.analyse_graph",
        "topology.detect_divergences",
        "topology.discover",
        "topology.discover_due",
        "topology.learn_pass_through",
        "topology.mark_stale",
        "topology.merge_ingestion",
        "topology.resume_ingestions",
    }
    for name, actor in workers.broker.actors.items():
        assert actor.queue_name == queue_of(name)


def test_an_ingestion_shares_its_queue_with_what_writes_the_graph_and_is_short():
    beside = {name for name, actor in workers.broker.actors.items() if actor.queue_name == "topology"}

    assert beside == {"topology.mark_stale", "topology.merge_ingestion", "topology.resume_ingestions"}


def test_a_worker_has_a_thread_for_every_queue_wherever_it_is_started():
    queues = len({actor.queue_name for actor in workers.broker.actors.values()})
    chart = (Path(__file__).parents[2] / "charts/sloengine/values.yaml").read_text()

    assert queues == THREADS
    assert worker_command()[-2:] == ["--threads", str(queues)]
    assert yaml.safe_load(chart)["worker"]["threads"] == queues


@pytest.mark.parametrize("name", PERIODS)
def test_periodic_actors_run_at_their_minutes(name: str):
    spec = workers.broker.actors[name].options["periodic"]

    for clock in PERIODS[name]:
        hour, minute = map(int, clock.split(":"))
        assert spec.validate(pendulum.instance(datetime(2026, 3, 2, hour, minute, tzinfo=UTC)))


async def test_an_ingestion_is_merged_by_its_actor(bench: Bench):
    engine = Engine()
    queued = await engine.submit(dependencies=edges("a>b"))

    await bench.run(engine.use, topology.merge_ingestion.message(ingestion_id=queued.ingestion_id))

    assert engine.db.ingestions[queued.ingestion_id].status is JobStatus.SUCCEEDED


async def test_the_same_message_twice_merges_once(bench: Bench):
    engine = Engine()
    queued = await engine.submit(dependencies=edges("a>b"))
    message = topology.merge_ingestion.message(ingestion_id=queued.ingestion_id)

    await bench.run(engine.use, message, message.copy())

    assert engine.db.version == 1


async def test_a_merge_waits_for_the_one_that_is_running(bench: Bench, monkeypatch):
    monkeypatch.setattr(topology, "_BUSY_DELAY_MS", 100)
    engine = Engine()
    queued = [await engine.submit(dependencies=edges(f"a>b{i}")) for i in range(4)]

    await bench.run(
        engine.use, *(topology.merge_ingestion.message(ingestion_id=one.ingestion_id) for one in queued)
    )

    assert {one.status for one in engine.db.ingestions.values()} == {JobStatus.SUCCEEDED}
    assert len(engine.db.merged) == 4


async def test_an_ingestion_that_does_not_exist_is_not_tried_again(bench: Bench):
    with pytest.raises(NotFound):
        await bench.run(Engine().use, topology.merge_ingestion.message(ingestion_id="nothing"))


async def test_aggregation_is_followed_by_learning(bench: Bench):
    engine = await shop(days=20)
    engine.db.priors.clear()
    engine.db.availability.clear()
    await engine.history.set_watermark(type(engine.db.watermark)(None, None))

    await bench.run(engine.use, telemetry.aggregate.message())

    assert set(engine.db.priors) == {"AVAILABILITY", "LATENCY"}


async def test_a_service_that_joins_later_has_its_past_and_its_answer_without_anybody_asking(bench: Bench):
    engine = Engine(MemoryTelemetrySource(hourly_panel("front", "latecomer", days=20)))
    await engine.ingest(services=[{"serviceId": "front"}])
    await engine.aggregate()
    looked_back = CalibrationRecord.empty(ObjectiveKind.AVAILABILITY, engine.clock.now())
    await engine.stores.calibrations.save(
        looked_back
    )  # looking back for the first time would follow, and takes long
    queued = await engine.submit(services=[{"serviceId": "latecomer"}])

    await bench.run(engine.use, topology.merge_ingestion.message(ingestion_id=queued.ingestion_id))
    for job_id in engine.db.jobs:
        lanes = [recommendation.continue_job.message(job_id=job_id, lane=str(lane)) for lane in range(LANES)]
        await bench.run(engine.use, *lanes)

    answers = await engine.use.read_recommendations.newest(["latecomer"], SliType.AVAILABILITY)
    assert isinstance(answers["latecomer"], Recommendation)
    assert answers["latecomer"].data_quality.days_of_history == pytest.approx(20, abs=1)


async def test_everybody_is_answered_once_a_day(bench: Bench):
    engine = await shop(days=20)
    message = recommendation.refresh.message()

    await bench.run(engine.use, message, message.copy())

    [job] = engine.db.jobs.values()
    assert set(job.service_ids) == set(engine.db.services)


async def test_a_job_is_worked_through_by_its_actor(bench: Bench):
    engine = await shop(days=20)
    job = await engine.use.start_recommendation_job(StartRecommendationJobCommand(), actor=ADMIN)

    await bench.run(
        engine.use,
        *(recommendation.continue_job.message(job_id=job.job_id, lane=str(lane)) for lane in range(LANES)),
    )

    [done] = (await engine.use.read_recommendations.job([job.job_id])).values()
    assert done.status is JobStatus.SUCCEEDED


async def test_sweeps_and_housekeeping_run(bench: Bench):
    engine = Engine()

    await bench.run(
        engine.use,
        topology.resume_ingestions.message(),
        topology.mark_stale.message(),
        topology.detect_divergences.message(["a"]),
        topology.learn_pass_through.message(),
        telemetry.prune.message(),
        recommendation.expire.message(),
        recommendation.forget_jobs.message(),
        governance.relay_outbox.message(),
        governance.resume_telling.message(),
    )

    assert engine.stream.events == {}


async def test_what_the_hourly_pass_finds_to_disagree_is_told_to_the_stream(bench: Bench):
    engine = await disagreeing()

    await bench.run(engine.use, topology.mark_stale.message())

    events = engine.stream.events.values()
    told = [event.payload["divergence"] for event in events if event.kind == "DivergenceDetected"]
    assert sorted(told) == sorted(engine.db.divergences)
    assert len(told) == 2


async def test_relaying_goes_on_through_the_minute(bench: Bench, monkeypatch):
    monkeypatch.setattr(governance, "_ROUND_MS", 50)
    relayed = []
    engine = Engine()

    class Counting(type(engine.use.relay_outbox)):
        async def __call__(self) -> int:
            relayed.append(1)
            return 0

    use = engine.use
    counting = Counting(use.relay_outbox.outbox, use.relay_outbox.stream)
    object.__setattr__(use, "relay_outbox", counting)

    await bench.run(use, governance.keep_relaying.message())

    assert len(relayed) == 6


def test_messages_are_as_the_queue_sends_them():
    message = dramatiq.Message(
        queue_name="topology",
        actor_name="topology.merge_ingestion",
        args=(),
        kwargs={"ingestion_id": "7"},
        options={},
    )

    assert dramatiq.Message.decode(message.encode()).kwargs == {"ingestion_id": "7"}


async def test_a_drift_pass_takes_up_what_an_earlier_one_left(bench: Bench):
    engine = Engine()
    at = engine.clock.now()
    event = DriftEvent(
        event_id="e",
        service_id="gone",
        sli_type=SliType.AVAILABILITY,
        kind=ObjectiveKind.AVAILABILITY,
        detected_at=at,
        started_at=at,
        votes=(Detector.ADWIN, Detector.PAGE_HINKLEY),
        before=0.999,
        after=0.99,
        last_alarm_at=at,
    )
    await engine.stores.drift.save([WatchUpdate("gone", event.kind, Watch(0, 0), 0, events=(event,))])

    await bench.run(engine.use, drift.detect.message(), drift.detect.message())

    assert engine.db.drift_events["e"].reevaluated_at is not None
    assert [entry.action for entry in engine.db.trail] == [AuditAction.DRIFT_TRIGGERED]


async def test_an_slo_whose_budget_is_gone_is_told_of_and_relayed_once(bench: Bench):
    engine = await promised("a")
    await fail(engine, "a", 3, 0.5)

    await bench.run(
        engine.use,
        forecast.learn_levels.message(),
        forecast.watch_budgets.message(),
        forecast.watch_budgets.message(),
    )

    assert [event.service_id for event in engine.stream.events.values() if event.kind == "SloAtRisk"] == ["a"]
    assert engine.db.forecasts_learnt is not None


async def test_sources_that_are_due_are_read_and_what_they_know_is_merged(bench: Bench):
    calls = (DiscoveredDependency("shop/web", "cart"),)
    engine = Engine(discoveries=[MemoryDependencyDiscovery(found=Discovered(dependencies=calls))])

    await bench.run(engine.use, topology.discover_due.message())
    assert engine.queue.messages == [("topology.discover", {"source": "OTEL"})]
    await bench.run(engine.use, topology.discover.message(source="OTEL"))
    [(_, queued)] = engine.queue.messages[1:]
    await bench.run(engine.use, topology.merge_ingestion.message(**queued))

    assert ("web", "cart") in engine.db.merged
    assert await engine.use.enqueue_due_discoveries() == []
    engine.clock.advance(timedelta(minutes=58))
    assert await engine.use.enqueue_due_discoveries() == ["OTEL"]
