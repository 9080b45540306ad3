from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.recommendation_store import RecommendationJobStore, RecommendationStore
from sloengine.domain.errors import Invalid
from sloengine.domain.recommendation.model import Recommendation, RecommendationStatus, SliType
from sloengine.domain.topology.ingestion import JobStatus
from sloengine.domain.topology.service import Service
from tests.contracts.conftest import Stores
from tests.contracts.recommendation_samples import NOW, availability, latency, unavailable

ACTIVE = RecommendationStatus.ACTIVE
SUPERSEDED = RecommendationStatus.SUPERSEDED


@pytest.fixture
def store(stores: Stores) -> RecommendationStore:
    return stores.recommendations


@pytest.fixture
def jobs(stores: Stores) -> RecommendationJobStore:
    return stores.recommendation_jobs


async def saved(store: RecommendationStore, recommendation: Recommendation) -> Recommendation:
    [stored] = await store.save([recommendation], now=NOW)
    assert isinstance(stored, Recommendation)
    assert stored.recommendation_id
    return stored


def id_of(recommendation: Recommendation) -> str:
    assert recommendation.recommendation_id is not None
    return recommendation.recommendation_id


async def test_a_recommendation_comes_back_whole_with_an_id(store: RecommendationStore):
    stored = [await saved(store, one) for one in (availability(), latency())]

    assert [replace(one, recommendation_id=None) for one in stored] == [availability(), latency()]
    assert await store.by_id([id_of(one) for one in stored] + ["nine"]) == {id_of(one): one for one in stored}
    assert await store.newest(["a", "b"], SliType.AVAILABILITY) == {"a": stored[0]}
    assert await store.newest(["a", "b"], SliType.LATENCY) == {"a": stored[1]}


async def test_a_new_recommendation_supersedes_the_active_one_of_its_type_only(store: RecommendationStore):
    first = await saved(store, availability())
    other_type = await saved(store, latency())
    other_service = await saved(store, availability("b"))

    second = await saved(store, availability(confidence=0.5))

    found = await store.by_id([id_of(one) for one in (first, other_type, other_service, second)])
    assert [found[id_of(one)].status for one in (first, other_type, other_service, second)] == [
        SUPERSEDED,
        ACTIVE,
        ACTIVE,
        ACTIVE,
    ]
    assert (await store.newest(["a"], SliType.AVAILABILITY))["a"] == second


async def test_no_recommendation_is_an_answer_too(store: RecommendationStore):
    first = await saved(store, availability())

    assert list(await store.save([unavailable()], now=NOW)) == [unavailable()]
    during = await store.newest(["a"], SliType.AVAILABILITY)
    again = await saved(store, availability())

    assert during == {"a": unavailable()}
    assert (await store.by_id([id_of(first)]))[id_of(first)].status is SUPERSEDED
    assert (await store.newest(["a"], SliType.AVAILABILITY))["a"] == again


async def test_a_batch_answers_in_its_order(store: RecommendationStore):
    batch = [availability(f"s{number:03}") for number in range(60)]
    batch[7] = unavailable("s007")

    stored = await store.save(batch, now=NOW)

    assert [one.service_id for one in stored] == [one.service_id for one in batch]
    newest = await store.newest([one.service_id for one in batch], SliType.AVAILABILITY)
    assert [newest[one.service_id] for one in batch] == list(stored)
    assert list(await store.save([], now=NOW)) == []


async def test_a_batch_of_many_megabytes_is_stored_whole(store: RecommendationStore):
    batch = [availability(f"s{number}", summary=f"{number}" * 1_500_000) for number in range(6)]
    batch[4] = availability("s1", summary="again")

    stored = await store.save(batch, now=NOW)

    newest = await store.newest([one.service_id for one in batch], SliType.AVAILABILITY)
    assert newest == {one.service_id: one for place, one in enumerate(stored) if place != 1}
    assert (await store.page("s1", None, ACTIVE, PageRequest(5))).rows == [stored[4]]


async def test_saving_the_same_again_doubles_nothing(store: RecommendationStore):
    first = await store.save([availability("a"), unavailable("b")], now=NOW)

    # As after a batch that broke off: some of it is on record, the rest is not.
    again = await store.save([*first, availability("c")], now=NOW)
    later = await saved(store, availability("a", confidence=0.1))
    await store.save(first, now=NOW)

    assert list(again[:2]) == list(first)
    pages = await store.pages(["a", "b", "c"], None, None, PageRequest(5))
    assert {one: page.total_count for one, page in pages.items()} == {"a": 2, "b": 0, "c": 1}
    newest = await store.newest(["a", "b", "c"], SliType.AVAILABILITY)
    assert newest == {"a": later, "b": unavailable("b"), "c": again[2]}


async def test_saves_at_once_leave_one_active(store: RecommendationStore):
    await asyncio.gather(*(saved(store, availability(confidence=n / 10)) for n in range(8)))

    page = await store.page("a", None, ACTIVE, PageRequest(50))
    everything = await store.page("a", None, None, PageRequest(50))
    newest = (await store.newest(["a"], SliType.AVAILABILITY))["a"]

    assert list(page.rows) == [newest]
    assert everything.total_count == 8


async def test_pages_are_newest_first_and_filtered(store: RecommendationStore):
    made = []
    for number in range(5):
        at = NOW + timedelta(minutes=number // 2)
        made.append(id_of(await saved(store, availability(generated_at=at))))
    await saved(store, latency())

    first = await store.page("a", SliType.AVAILABILITY, None, PageRequest(2))
    second = await store.page("a", SliType.AVAILABILITY, None, PageRequest(2, first.cursors[-1]))
    third = await store.page("a", SliType.AVAILABILITY, None, PageRequest(2, second.cursors[-1]))
    superseded = await store.page("a", SliType.AVAILABILITY, SUPERSEDED, PageRequest(50))
    both_types = await store.page("a", None, ACTIVE, PageRequest(50))

    assert [id_of(row) for page in (first, second, third) for row in page.rows] == made[::-1]
    assert [page.has_next for page in (first, second, third)] == [True, True, False]
    assert {page.total_count for page in (first, second, third)} == {5}
    assert (superseded.total_count, both_types.total_count) == (4, 2)


async def test_one_query_pages_several_services(store: RecommendationStore):
    await store.save([availability("a"), availability("b")], now=NOW)
    await saved(store, availability("a"))

    pages = await store.pages(["a", "b", "c"], None, None, PageRequest(1))

    assert {
        service_id: (len(page.rows), page.total_count, page.has_next) for service_id, page in pages.items()
    } == {
        "a": (1, 2, True),
        "b": (1, 1, False),
        "c": (0, 0, False),
    }
    for page in (PageRequest(0), PageRequest(5, "no cursor")):
        with pytest.raises(Invalid):
            await store.pages(["a"], None, None, page)


async def test_active_ones_past_their_end_expire_once(store: RecommendationStore):
    old = await saved(store, availability("a"))
    await saved(store, availability("b", expires_at=NOW + timedelta(days=30)))

    before = await store.expire(now=NOW + timedelta(days=13))
    after = await store.expire(now=NOW + timedelta(days=14))
    again = await store.expire(now=NOW + timedelta(days=14))

    assert (list(before), list(after), list(again)) == ([], ["a"], [])
    assert (await store.newest(["a"], SliType.AVAILABILITY))["a"] == replace(
        old, status=RecommendationStatus.EXPIRED
    )


async def test_a_job_runs_down_and_counts_each_service_once(jobs: RecommendationJobStore):
    await jobs.create_job("j", ["a", "b", "c", "a"], {"window": "ROLLING_7D"})

    at_first = await jobs.job("j")
    batch, options = await jobs.next_batch("j", 2)
    await jobs.mark_done("j", batch, failed=1)
    between = await jobs.job("j")
    await jobs.mark_done("j", batch, failed=1)
    repeated = await jobs.job("j")
    rest, _ = await jobs.next_batch("j", 2)
    await jobs.mark_done("j", rest, failed=0)

    assert at_first == (JobStatus.QUEUED, 3, 0, 0, None)
    assert (list(batch), dict(options), list(rest)) == (["a", "b"], {"window": "ROLLING_7D"}, ["c"])
    assert between == repeated == (JobStatus.RUNNING, 3, 2, 1, None)
    assert await jobs.job("j") == (JobStatus.SUCCEEDED, 3, 3, 1, None)
    assert list((await jobs.next_batch("j", 2))[0]) == []
    assert await jobs.job("nobody's") is None


async def test_creating_a_job_twice_keeps_its_progress(jobs: RecommendationJobStore):
    await jobs.create_job("j", ["a", "b"], {})
    await jobs.mark_done("j", ["a"], failed=0)

    await jobs.create_job("j", ["a", "b"], {})

    assert await jobs.job("j") == (JobStatus.RUNNING, 2, 1, 0, None)


async def test_jobs_that_were_done_before_a_time_are_forgotten_and_unfinished_ones_kept(
    jobs: RecommendationJobStore,
):
    await jobs.create_job("done", ["a"], {})
    await jobs.mark_done("done", ["a"], failed=0)
    await jobs.create_job("failed", ["a"], {})
    await jobs.mark_done("failed", ["a"], failed=1)
    await jobs.create_job("nothing", [], {})
    await jobs.create_job("half", ["a", "b"], {})
    await jobs.mark_done("half", ["a"], failed=0)
    await jobs.create_job("queued", ["a"], {})

    assert await jobs.forget(done_before=datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert await jobs.forget(done_before=datetime(2100, 1, 1, tzinfo=UTC)) == 3
    assert await jobs.forget(done_before=datetime(2100, 1, 1, tzinfo=UTC)) == 0

    assert [await jobs.job(one) for one in ("done", "failed", "nothing")] == [None] * 3
    assert await jobs.job("half") == (JobStatus.RUNNING, 2, 1, 0, None)
    assert await jobs.job("queued") == (JobStatus.QUEUED, 1, 0, 0, None)


async def test_a_message_of_a_job_that_was_forgotten_finds_nothing_to_do(jobs: RecommendationJobStore):
    assert await jobs.next_batch("gone", 5) == ([], {})

    await jobs.mark_done("gone", ["a"], failed=0)

    assert await jobs.job("gone") is None


async def test_a_job_of_nothing_is_done(jobs: RecommendationJobStore):
    await jobs.create_job("j", [], {})

    assert await jobs.job("j") == (JobStatus.SUCCEEDED, 0, 0, 0, None)


async def test_a_past_that_was_read_in_since_the_last_answer_is_to_be_answered(stores: Stores):
    store, history = stores.recommendations, stores.sli_history
    await stores.graph.register([Service(one) for one in ("answered", "new", "once", "waiting")], now=NOW)
    await store.save([unavailable("once")], now=NOW)
    await history.note_past(["answered", "new", "once"], now=NOW + timedelta(minutes=1))

    assert list(await store.to_answer()) == ["answered", "new", "once"]
    await store.save([availability("answered")], now=NOW + timedelta(minutes=2))
    assert list(await store.to_answer()) == ["new", "once"]
