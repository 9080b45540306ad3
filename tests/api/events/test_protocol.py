"""What clients can rely on of a connection: who gets in, how much of it, and that it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from sloengine.api.app import create_app
from sloengine.api.authentication import DEVELOPMENT_ACTOR, Unauthenticated
from sloengine.api.events.connection import SubscriptionLimits
from sloengine.api.events.socket import SubscriptionSocket
from sloengine.api.schema import schema
from sloengine.application.events.feed import EventFeed
from sloengine.application.events.follow_events import FollowEvents
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.settings import Settings
from sloengine.domain.governance.model import Actor
from sloengine.infrastructure.memory.small_stores import SetClock
from sloengine.infrastructure.sample.telemetry_source import SampleTelemetrySource
from tests.api.door import Door
from tests.api.events.served import KEY, Served, connected, served
from tests.application.organisation import NOW, Engine
from tests.contracts.recommendation_samples import slo
from tests.contracts.test_slo_ledger import decide, put
from tests.patience import until

IDS = "subscription($after: ID) { events(after: $after) { id } }"
LIMITS = SubscriptionLimits(connections_per_client=2, operations_per_connection=2, init_seconds=0.2)


class Office:
    """The API on memory adapters behind a real server."""

    def __init__(self, engine: Engine, limits: SubscriptionLimits = LIMITS) -> None:
        self.engine = engine
        self.served: Served
        settings = Settings(_env_file=None, env="development", dev_api_key=KEY)
        self.app = create_app(settings, opened=self._opened, subscription_limits=limits)

    @asynccontextmanager
    async def _opened(self, _: Settings) -> AsyncGenerator[UseCases]:
        yield self.engine.use
        await self.engine.use.follow_events.feed.close()

    @property
    def feed(self) -> EventFeed:
        return self.engine.use.follow_events.feed

    async def decide(self, *names: str) -> None:
        for name in names:
            await decide(self.engine.stores.ledger, put(slo(f"slo-{name}", name)), service_id=name)
        await self.engine.use.relay_outbox()


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    clock = SetClock(NOW)
    made = Office(Engine(SampleTelemetrySource(clock, seed=7), clock))
    async with served(made.app) as made.served:
        yield made


@pytest.mark.parametrize("opening", [{"apiKey": KEY}, {"X-API-Key": KEY}])
async def test_the_key_comes_with_the_opening(office: Office, opening: dict[str, str]):
    async with connected(office.served.port, opening=opening):
        pass


async def test_the_key_comes_with_the_handshake(office: Office):
    async with connected(office.served.port, header=KEY):
        pass


@pytest.mark.parametrize("how", [{"opening": {"apiKey": "wrong"}}, {"opening": {"other": 1}}, {"header": "wrong"}])
async def test_who_is_not_known_is_shown_out(office: Office, how: dict[str, Any]):
    async with connected(office.served.port, acknowledged=False, **how) as client:
        code, reason = await client.closed()

    assert code == 4401
    assert "key" in (reason or "")


async def test_who_says_nothing_is_shown_out(office: Office):
    async with connected(office.served.port) as client:
        await client.send(type="connection_init")
        assert (await client.closed())[0] == 4429

    from websockets.asyncio.client import connect

    async with connect(
        f"ws://127.0.0.1:{office.served.port}/graphql", subprotocols=["graphql-transport-ws"]
    ) as socket:
        await asyncio.wait_for(socket.wait_closed(), 60)
        assert socket.close_code == 4408


async def test_another_protocol_is_refused_with_the_one_to_speak(office: Office):
    from websockets.asyncio.client import connect

    async with connect(f"ws://127.0.0.1:{office.served.port}/graphql") as socket:
        await asyncio.wait_for(socket.wait_closed(), 60)

    assert socket.close_code == 4406
    assert "graphql-transport-ws" in socket.close_reason


async def test_connections_and_subscriptions_are_limited_and_come_back(office: Office):
    port = office.served.port
    async with connected(port) as first, connected(port):
        async with connected(port, acknowledged=False) as third:
            code, reason = await third.closed()
        for _ in range(3):
            await first.subscribe(IDS)
        error = await first.error()
        await until(lambda: office.feed.followers == 2)
        await first.send(id="1", type="complete")
        await until(lambda: office.feed.followers == 1)
        await first.subscribe(IDS)
        await until(lambda: office.feed.followers == 2)
    await until(lambda: office.feed.followers == 0)
    async with connected(port):
        pass

    assert (code, reason) == (4429, "You have 2 connections: close one, or use it for more.")
    assert error["extensions"] == {"code": "TOO_MANY_SUBSCRIPTIONS"}


@pytest.mark.parametrize(
    ("query", "variables", "code", "argument"),
    [
        (IDS, {"after": "x"}, "INVALID", ["after"]),
        (IDS, {"after": "7"}, "NOT_FOUND", ["after"]),
        ('subscription { events(filter: {types: ["No"]}) { id } }', {}, "INVALID", ["filter", "types", "0"]),
        ("subscription { events { nothing } }", {}, "VALIDATION_FAILED", None),
        ("{ viewer { subject } }", {}, "BAD_INPUT", None),
        ("subscription {", {}, "PARSE_FAILED", None),
    ],
)
async def test_what_cannot_be_followed_is_told(
    office: Office, query: str, variables: dict[str, Any], code: str, argument: list[str] | None
):
    async with connected(office.served.port) as client:
        await client.subscribe(query, **variables)
        error = await client.error()

    assert error["extensions"]["code"] == code, error
    assert error["extensions"].get("argument") == argument
    assert office.feed.followers == 0


@pytest.mark.parametrize(
    "message",
    [
        "[]",
        "no json",
        '{"type": "nothing"}',
        '{"type": "subscribe", "id": [1], "payload": {"query": "{a}"}}',
        '{"type": "subscribe", "id": "1", "payload": 3}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
    ],
)
async def test_what_is_no_message_ends_the_connection(office: Office, message: str):
    async with connected(office.served.port) as client:
        await client.socket.send(message)
        assert (await client.closed())[0] == 4400


async def test_a_stop_of_the_server_ends_subscriptions_with_a_code(office: Office):
    async with connected(office.served.port) as client:
        await client.subscribe(IDS)
        await until(lambda: office.feed.followers)
        await office.served.stop()

        assert (await client.closed())[0] == 1012
    assert office.feed.followers == 0


async def test_events_that_come_at_once_are_loaded_together(office: Office):
    reads = 0
    ledger = office.engine.use.read_ledger
    by_id = ledger.ledger.audit_by_id

    async def counted(ids: Any) -> Any:
        nonlocal reads
        reads += 1
        return await by_id(ids)

    office.engine.stores.ledger.audit_by_id = counted  # type: ignore[method-assign]
    await office.decide(*(f"s{number:02}" for number in range(40)))
    async with connected(office.served.port) as client:
        await client.subscribe(
            'subscription { events(after: "0") { id ... on SloChanged { auditEvent { action } } } }'
        )
        told = [await client.event() for _ in range(40)]

    assert [event["id"] for event in told] == [str(number) for number in range(1, 41)]
    assert {event["auditEvent"]["action"] for event in told} == {"SET"}
    assert reads == 1


async def test_a_subscription_by_post_is_shown_the_way(door: Door):
    response = await door.client.post("/graphql", json={"query": "subscription { events { id } }"})

    assert (response.status_code, response.json()["code"]) == (400, "SUBSCRIPTION_BY_POST")
    assert "graphql-transport-ws" in response.json()["detail"]


class Keys:
    """Knows everybody, until told otherwise."""

    actor_now: Actor | None = DEVELOPMENT_ACTOR

    def actor(self, _presented: bytes | None) -> Actor:
        if self.actor_now is None:
            raise Unauthenticated("The key has been revoked.")
        return self.actor_now


class Peer:
    """The other side of an ASGI WebSocket; ``reads`` False: it takes nothing any more."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.sent: list[Any] = []
        self.reads = True
        self._incoming: asyncio.Queue[Any] = asyncio.Queue()
        self._incoming.put_nowait({"type": "websocket.connect"})
        for message in messages:
            self._incoming.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    async def receive(self) -> Any:
        return await self._incoming.get()

    async def send(self, message: Any) -> None:
        if not self.reads:
            await asyncio.Event().wait()
        self.sent.append(message)
        if message["type"] == "websocket.close":
            self._incoming.put_nowait({"type": "websocket.disconnect", "code": message["code"]})


async def serve(engine: Engine, keys: Keys, peer: Peer, limits: SubscriptionLimits) -> None:
    scope = {
        "type": "websocket",
        "subprotocols": ["graphql-transport-ws"],
        "headers": [],
        "app": SimpleNamespace(state=SimpleNamespace(use_cases=engine.use)),
    }
    await SubscriptionSocket(schema, keys, limits)(scope, peer.receive, peer.send)  # type: ignore[arg-type]


OPEN = ({"type": "connection_init"}, {"type": "subscribe", "id": "1", "payload": {"query": IDS}})


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    clock = SetClock(NOW)
    async with AsyncExitStack() as stack:
        made = Engine(SampleTelemetrySource(clock, seed=7), clock)
        stack.push_async_callback(made.use.follow_events.feed.close)
        yield made


@pytest.mark.parametrize(
    ("later", "code", "says"),
    [
        (None, 4401, "The key has been revoked."),
        (Actor(DEVELOPMENT_ACTOR.subject, "viewer"), 4403, "What you may do has changed. Connect again."),
    ],
)
async def test_a_key_that_no_longer_holds_ends_the_subscription(
    engine: Engine, later: Actor | None, code: int, says: str
):
    keys, peer = Keys(), Peer(*OPEN)
    serving = asyncio.create_task(serve(engine, keys, peer, SubscriptionLimits(recheck_seconds=0.01)))
    await until(lambda: engine.use.follow_events.feed.followers)

    keys.actor_now = later
    await asyncio.wait_for(serving, 60)

    assert peer.sent[-1] == {"type": "websocket.close", "code": code, "reason": says}
    assert engine.use.follow_events.feed.followers == 0


async def test_a_client_that_takes_nothing_any_more_is_dropped(engine: Engine):
    peer = Peer(*OPEN)
    serving = asyncio.create_task(serve(engine, Keys(), peer, SubscriptionLimits(send_seconds=0.05)))
    await until(lambda: engine.use.follow_events.feed.followers)

    peer.reads = False
    await decide(engine.stores.ledger, put(slo("slo-a", "a")), service_id="a")
    await engine.use.relay_outbox()
    await asyncio.wait_for(serving, 60)

    assert engine.use.follow_events.feed.followers == 0


async def test_a_client_that_is_too_slow_is_told(engine: Engine):
    use = engine.use.follow_events
    slow = EventFeed(engine.stores.event_log, engine.stream, most_waiting=2, most_behind=3)
    engine.use = SimpleNamespace(  # type: ignore[assignment]
        follow_events=FollowEvents(slow, use.graph),
        read_ledger=engine.use.read_ledger,
        relay_outbox=engine.use.relay_outbox,
    )
    peer = Peer(*OPEN)
    taken = asyncio.Event()
    send = peer.send

    async def slowly(message: Any) -> None:
        await send(message)
        if '"next"' in message.get("text", ""):
            await taken.wait()

    peer.send = slowly  # type: ignore[method-assign]
    serving = asyncio.create_task(serve(engine, Keys(), peer, SubscriptionLimits(send_seconds=60)))
    await until(lambda: slow.followers)

    for name in "abcde":
        await decide(engine.stores.ledger, put(slo(f"slo-{name}", name)), service_id=name)
    await engine.use.relay_outbox()
    await until(lambda: slow._position == 5)
    taken.set()
    await until(lambda: '"complete"' in peer.sent[-1].get("text", ""))
    serving.cancel()
    await asyncio.wait([serving])

    [error] = json.loads(peer.sent[-2]["text"])["payload"]["errors"]
    assert error["extensions"]["code"] == "UNAVAILABLE"
    assert "`after: 0`" in error["message"]
    await slow.close()
