"""Idempotency keys of what a store writes: one answer for a key, and never another body's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.recommendation_store import Answering
from sloengine.application.ports.service_graph import RegisteredServices
from sloengine.domain.errors import ErrorCode, IdempotencyMismatch
from sloengine.domain.recommendation.model import Recommendation, RecommendationStatus, SliType
from sloengine.domain.topology.ingestion import JobStatus, RejectedItem
from sloengine.domain.topology.service import Service
from tests.contracts.conftest import Stores
from tests.contracts.recommendation_samples import NOW, availability, unavailable

_ALL = PageRequest(first=10)
LATER = NOW + timedelta(days=6, hours=23)
TOO_LATE = NOW + timedelta(days=7, seconds=1)
REQUEST = KeyedRequest("user:ada", "registerServices", "k", "body")
RECOMMENDING = replace(REQUEST, mutation="generateRecommendations")
STATED = RegisteredServices(
    (Service("a", team="t"), Service("b")),
    (RejectedItem(2, "services.2.serviceId", ErrorCode.INVALID, "too long"),),
    ("odd",),
)


async def test_services_are_registered_once_under_a_key(stores: Stores):
    first = await stores.graph.register_once(STATED, REQUEST, now=NOW)
    await stores.graph.register([Service("a", team="others")], now=NOW + timedelta(hours=1))
    version = await stores.graph.version()

    again = await stores.graph.register_once(STATED, REQUEST, now=LATER)

    assert [(one.service_id, one.team, one.created_at) for one in first.services] == [
        ("a", "t", NOW),
        ("b", None, NOW),
    ]
    assert (tuple(first.rejected), tuple(first.warnings)) == (STATED.rejected, STATED.warnings)
    assert [list(answer.services) for answer in (first, again)] == [list(first.services)] * 2
    assert (list(again.rejected), list(again.warnings)) == (list(first.rejected), list(first.warnings))
    assert (await stores.graph.services(["a"]))["a"].team == "others"
    assert await stores.graph.version() == version


async def test_a_key_belongs_to_its_actor_and_mutation_and_ends_after_seven_days(stores: Stores):
    await stores.graph.register_once(STATED, REQUEST, now=NOW)
    other = RegisteredServices((Service("c"),))

    for request, now in (
        (replace(REQUEST, actor="user:bob"), NOW),
        (replace(REQUEST, mutation="ingestDependencies"), NOW),
        (replace(REQUEST, body_digest="another"), TOO_LATE),
    ):
        answer = await stores.graph.register_once(other, request, now=now)
        assert [one.service_id for one in answer.services] == ["c"]


async def test_a_key_with_another_body_writes_nothing(stores: Stores):
    await stores.graph.register_once(STATED, REQUEST, now=NOW)

    with pytest.raises(IdempotencyMismatch):
        await stores.graph.register_once(
            RegisteredServices((Service("c"),)), replace(REQUEST, body_digest="another"), now=LATER
        )

    assert await stores.graph.services(["c"]) == {}


async def test_when_every_row_is_refused_that_is_the_answer(stores: Stores):
    refused = replace(STATED, services=())

    answers = [await stores.graph.register_once(refused, REQUEST, now=NOW) for _ in range(2)]

    assert [(list(a.services), list(a.rejected)) for a in answers] == [([], list(STATED.rejected))] * 2


async def test_results_are_saved_once_under_a_key_and_come_back_as_they_were(stores: Stores):
    store = stores.recommendations
    [known] = await store.save([availability("known")], now=NOW)
    answering = Answering(RECOMMENDING, [known], is_stale=True)

    assert await store.answered(RECOMMENDING, now=NOW) is None
    first = await store.save_once([availability("a"), unavailable("b")], answering, now=NOW)
    await store.save([availability("a", confidence=0.1)], now=NOW)
    again = await store.save_once([availability("a")], answering, now=LATER)
    looked_up = await store.answered(RECOMMENDING, now=LATER)

    assert sorted(one.service_id for one in first) == ["a", "b", "known"]
    assert all(one.is_stale for one in first if isinstance(one, Recommendation))
    assert list(again) == list(first) == list(looked_up or ())
    newest = (await store.newest(["a"], SliType.AVAILABILITY))["a"]
    assert isinstance(newest, Recommendation)
    assert (newest.confidence, newest.is_stale) == (0.1, availability("a").is_stale)
    page = await stores.recommendations.page("a", None, RecommendationStatus.SUPERSEDED, _ALL)
    assert page.total_count == 1


async def test_looking_a_key_up_tells_another_body_and_an_old_key(stores: Stores):
    await stores.recommendations.save_once([], Answering(RECOMMENDING, (), is_stale=False), now=NOW)

    with pytest.raises(IdempotencyMismatch):
        await stores.recommendations.answered(replace(RECOMMENDING, body_digest="another"), now=LATER)
    assert await stores.recommendations.answered(RECOMMENDING, now=LATER) == []
    assert await stores.recommendations.answered(RECOMMENDING, now=TOO_LATE) is None


async def test_of_many_at_once_with_one_key_one_is_saved(stores: Stores):
    answering = Answering(RECOMMENDING, (), is_stale=False)

    answers = await asyncio.gather(
        *(stores.recommendations.save_once([availability("a")], answering, now=NOW) for _ in range(6))
    )

    assert all(list(answer) == list(answers[0]) for answer in answers)
    assert (await stores.recommendations.page("a", None, None, _ALL)).total_count == 1


async def test_the_same_key_gives_the_job_that_was_first(stores: Stores):
    jobs = stores.recommendation_jobs

    first = await jobs.create_job("one", ["a", "b"], {}, request=RECOMMENDING)
    again = await jobs.create_job("two", ["a", "b"], {}, request=RECOMMENDING)
    of_somebody_else = await jobs.create_job("three", ["a"], {}, request=replace(RECOMMENDING, actor="user:bob"))

    assert (first, again, of_somebody_else) == ("one", "one", "three")
    assert await jobs.job("two") is None
    with pytest.raises(IdempotencyMismatch):
        await jobs.create_job("four", ["a"], {}, request=replace(RECOMMENDING, body_digest="another"))
    assert await jobs.job("four") is None


async def test_a_key_used_in_place_is_refused_for_a_job(stores: Stores):
    answering = Answering(RECOMMENDING, (), is_stale=False)
    await stores.recommendations.save_once([], answering, now=datetime.now(UTC))

    with pytest.raises(IdempotencyMismatch):
        await stores.recommendation_jobs.create_job(
            "one", ["a"], {}, request=replace(RECOMMENDING, body_digest="of a job")
        )


async def test_jobs_without_progress_are_found(stores: Stores):
    jobs = stores.recommendation_jobs
    for job_id in ("waiting", "running", "done"):
        await jobs.create_job(job_id, ["a", "b"], {})
    await jobs.mark_done("running", ["a"], failed=0)
    await jobs.mark_done("done", ["a", "b"], failed=0)
    await jobs.create_job("empty", [], {})

    found = await jobs.unfinished(older_than=NOW + timedelta(days=100_000))

    assert sorted(found) == ["running", "waiting"]
    assert await jobs.unfinished(older_than=NOW - timedelta(days=3650)) == []
    assert (await jobs.job("done") or ())[0] is JobStatus.SUCCEEDED
