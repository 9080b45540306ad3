from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sloengine.application.ports.idempotency import KeyedRequest
from sloengine.application.ports.ingestion_store import IngestionStore
from sloengine.domain.errors import ErrorCode, IdempotencyMismatch
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.ingestion import Ingestion, JobStatus, RejectedItem
from tests.contracts.conftest import Stores

SUBMITTED_AT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def store(stores: Stores) -> IngestionStore:
    return stores.ingestions


def queued(ingestion_id: str = "i1") -> Ingestion:
    return Ingestion(ingestion_id, DiscoverySource.OTEL, JobStatus.QUEUED, submitted_at=SUBMITTED_AT)


async def submit(
    store: IngestionStore,
    ingestion: Ingestion,
    payload: bytes = b"{}",
    *,
    actor: str = "user:a",
    key: str | None = None,
    digest: str = "d",
    before: tuple[str, ...] = (),
) -> Ingestion:
    request = None if key is None else KeyedRequest(actor, "ingestDependencies", key, digest, before)
    return await store.submit(ingestion, payload, actor=actor, request=request)


async def test_an_ingestion_and_its_payload_come_back(store: IngestionStore):
    payload = bytes(range(256)) * 4_100

    stored = await submit(store, queued(), payload)

    assert stored == queued()
    assert await store.get(["i1", "other"]) == {"i1": queued()}
    assert await store.payload("i1") == payload
    assert await store.payload("other") is None


async def test_an_empty_payload_is_a_payload(store: IngestionStore):
    await submit(store, queued(), b"")

    assert await store.payload("i1") == b""


async def test_the_outcome_is_kept_and_the_payload_goes_when_asked(store: IngestionStore):
    await submit(store, queued())
    ended = replace(
        queued(),
        status=JobStatus.SUCCEEDED,
        progress=1.0,
        accepted=3,
        rejected=(RejectedItem(2, "caller", ErrorCode.INVALID, "too long"),),
        warnings=("one",),
        edges_created=3,
        graph_version=7,
        started_at=SUBMITTED_AT,
        finished_at=SUBMITTED_AT + timedelta(seconds=3),
    )

    await store.save(replace(queued(), status=JobStatus.RUNNING, progress=0.5))
    kept = await store.payload("i1")
    await store.save(ended, drop_payload=True)

    assert kept == b"{}"
    assert (await store.get(["i1"]))["i1"] == ended
    assert await store.payload("i1") is None


async def test_the_same_key_gives_the_first_ingestion_back(store: IngestionStore):
    await submit(store, queued("i1"), key="k")

    again = await submit(store, queued("i2"), key="k")
    of_somebody_else = await submit(store, queued("i3"), actor="user:b", key="k")
    without = await submit(store, queued("i4"))

    assert again == queued("i1")
    assert await store.get(["i2"]) == {}
    assert await store.payload("i2") is None
    assert (of_somebody_else.ingestion_id, without.ingestion_id) == ("i3", "i4")


async def test_the_same_key_with_another_body_is_refused(store: IngestionStore):
    await submit(store, queued("i1"), key="k", digest="one")

    with pytest.raises(IdempotencyMismatch):
        await submit(store, queued("i2"), key="k", digest="two")

    assert await store.get(["i2"]) == {}


async def test_what_an_earlier_version_kept_of_the_same_request_is_its_own(store: IngestionStore):
    await submit(store, queued("i1"), key="k", digest="as an earlier version took it")

    again = await submit(store, queued("i2"), key="k", digest="new", before=("as an earlier version took it",))
    with pytest.raises(IdempotencyMismatch):
        await submit(store, queued("i3"), key="k", digest="new", before=("of another request",))

    assert again == queued("i1")


async def test_many_requests_at_once_with_one_key_make_one_ingestion(store: IngestionStore):
    answers = await asyncio.gather(*(submit(store, queued(f"i{n}"), key="k") for n in range(8)))

    assert len({answer.ingestion_id for answer in answers}) == 1
    assert len(await store.get([f"i{n}" for n in range(8)])) == 1


async def test_unfinished_ones_without_progress_are_found(store: IngestionStore):
    await submit(store, queued("late"))
    early = replace(queued("early"), submitted_at=SUBMITTED_AT - timedelta(minutes=1))
    await submit(store, early)
    await submit(store, queued("done"))
    await store.save(replace(early, status=JobStatus.RUNNING))
    await store.save(replace(queued("done"), status=JobStatus.FAILED, error="broken"))

    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    far_ahead = datetime(2100, 1, 1, tzinfo=UTC)

    assert await store.unfinished(older_than=far_ahead) == ["early", "late"]
    assert await store.unfinished(older_than=long_ago) == []
