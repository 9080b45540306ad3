"""The sample organisation through every use case, on real servers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sloengine.application.governance.accept_recommendation import AcceptRecommendationCommand
from sloengine.application.recommendation.recommend_command import RecommendCommand
from sloengine.application.telemetry.aggregate_telemetry import AggregateTelemetryCommand
from sloengine.application.telemetry.read_sli import SliWindow
from sloengine.application.topology.ingest_dependencies import IngestDependenciesCommand
from sloengine.bootstrap import connections
from sloengine.bootstrap.connections import open_use_cases
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.database import open_database
from sloengine.bootstrap.settings import Settings, TelemetryKind
from sloengine.domain.governance.model import Actor, Role
from sloengine.domain.recommendation.model import Recommendation, SliType, TierName
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import JobStatus
from sloengine.infrastructure.embedded import Neo4jAddress, RedisAddress
from sloengine.infrastructure.memory.small_stores import SetClock
from sloengine.infrastructure.sample.organisation import sample_document
from tests.domain.explanation.test_wording import assert_only_facts

ADMIN = Actor("apikey:test", Role.SRE_ADMIN)


NOW = datetime(2026, 11, 20, 10, 42, tzinfo=UTC)


@pytest.fixture
async def use_cases(
    clean_neo4j: Neo4jAddress, clean_redis: RedisAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[UseCases]:
    # The sample is a function of the hour: with the machine's clock each run would look at another organisation.
    monkeypatch.setattr(connections, "SystemClock", lambda: SetClock(NOW))
    settings = Settings(
        state_dir=tmp_path,
        neo4j_url=clean_neo4j.url,
        neo4j_user=clean_neo4j.user,
        neo4j_password=clean_neo4j.password,
        redis_url=clean_redis.url,
        telemetry=TelemetryKind.SAMPLE,
    )
    async with open_database(settings) as database:
        await database.migrator.up()
    async with open_use_cases(settings) as opened:
        yield opened


@contextmanager
def timed(what: str) -> Iterator[None]:
    begun, worked = time.monotonic(), time.process_time()
    yield
    print(f"{what}: {time.monotonic() - begun:.2f} s, {time.process_time() - worked:.2f} s of this process")


async def test_the_sample_organisation_goes_all_the_way(use_cases: UseCases):
    document = sample_document()
    with timed("ingest"):
        queued = await use_cases.ingest_dependencies(
            IngestDependenciesCommand(DiscoverySource.MANUAL, document=document), actor=ADMIN
        )
        merged = await use_cases.merge_ingestion(queued.ingestion_id)
    assert merged.status is JobStatus.SUCCEEDED, merged.error
    assert merged.cycles >= 1
    assert not merged.rejected

    with timed("aggregate"):
        report = await use_cases.aggregate_telemetry(AggregateTelemetryCommand())
    assert report.error is None
    assert report.hours == 90 * 24
    with timed("learn"):
        assert await use_cases.learn_priors() == [SliType.AVAILABILITY, SliType.LATENCY]

    ids = [row["serviceId"] for row in document["services"]]
    with timed(f"recommend {len(ids)}"):
        results = await use_cases.recommend(RecommendCommand(ids), actor=ADMIN)
    assert len(results) == 2 * len(ids)
    made = [result for result in results if isinstance(result, Recommendation)]
    assert len(made) > len(ids)
    assert all("simulated" in result.provenance.queries[0] for result in made)

    with_target = [result for result in made if any(tier.targets for tier in result.tiers)]
    for result in with_target:
        explanation = result.explanation
        assert explanation is not None, result.service_id
        total = sum(part.contribution for part in explanation.attributions)
        assert abs(total - (explanation.target_value - explanation.reference_value)) <= 1e-9
        assert_only_facts(explanation)
    assert len(with_target) > len(ids)

    with timed("recommend again"):
        assert [r.service_id for r in await use_cases.recommend(RecommendCommand(ids), actor=ADMIN)]
    with timed("one, forced"):
        await use_cases.recommend(RecommendCommand(ids[:1], force=True), actor=ADMIN)
    with timed("read from the cache"):
        shown = await use_cases.read_recommendations.newest(ids, SliType.AVAILABILITY)
    assert len(shown) == len(ids)

    with timed("sli"):
        assert await use_cases.read_sli.sli(ids, SliType.AVAILABILITY, SliWindow.LAST_28D)
    newest = await use_cases.read_recommendations.newest([made[0].service_id], SliType.AVAILABILITY)
    chosen = newest[made[0].service_id]
    assert isinstance(chosen, Recommendation)
    tier = next(tier.name for tier in chosen.tiers if tier.targets)
    with timed("accept"):
        outcome = await use_cases.accept_recommendation(
            AcceptRecommendationCommand(chosen.recommendation_id or "", tier), actor=ADMIN
        )
    assert outcome.slo is not None
    assert (await use_cases.read_ledger.verify()).intact
    assert await use_cases.relay_outbox() >= 1
    assert await use_cases.readiness() == {"neo4j": None, "redis": None, "telemetry": None}
    assert tier in TierName
