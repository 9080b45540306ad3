"""How actors end: by themselves, at their time limit, at shutdown, and that no thread is interrupted."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Iterator

import dramatiq
import pytest
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Middleware, Shutdown, TimeLimitExceeded
from dramatiq.threading import Interrupt

from sloengine.infrastructure.embedded import RedisAddress
from sloengine.infrastructure.queue.broker import redis_broker
from tests.patience import LONG_SECONDS, until
from workers.endings import EndableLoop, Endings

SOON_MILLISECONDS = 50


class Reasons:
    """Says why to end once it has been told."""

    def __init__(self) -> None:
        self.said: type[Interrupt] | None = None

    def __call__(self, _thread: int) -> type[Interrupt] | None:
        return self.said


@pytest.fixture
def reasons() -> Reasons:
    return Reasons()


@pytest.fixture
def loop(reasons: Reasons) -> Iterator[EndableLoop]:
    loop = EndableLoop(reasons)
    loop.start(timeout=LONG_SECONDS)
    yield loop
    loop.stop()
    assert loop.loop.is_closed()


def test_a_coroutine_gives_its_result(loop: EndableLoop):
    async def two() -> int:
        await asyncio.sleep(0)
        return 2

    assert loop.run_coroutine(two()) == 2


@pytest.mark.parametrize("error", [ValueError, TimeoutError, asyncio.CancelledError])
def test_what_a_coroutine_raises_is_raised(loop: EndableLoop, error: type[BaseException]):
    async def fails() -> None:
        raise error

    with pytest.raises(error):
        loop.run_coroutine(fails())


def test_a_coroutine_sees_the_context_of_the_thread_that_waits(loop: EndableLoop):
    actor = contextvars.ContextVar("actor", default="nobody")
    actor.set("topology.merge_ingestion")

    async def seen() -> str:
        return actor.get()

    assert loop.run_coroutine(seen()) == "topology.merge_ingestion"


@pytest.mark.parametrize("reason", [TimeLimitExceeded, Shutdown])
def test_a_coroutine_that_should_end_gives_back_what_it_holds_first(
    loop: EndableLoop, reasons: Reasons, reason: type[Interrupt]
):
    given_back = []

    async def holding() -> None:
        try:
            reasons.said = reason
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            given_back.append("all")

    with pytest.raises(reason):
        loop.run_coroutine(holding())
    assert given_back == ["all"]


def test_one_that_ends_by_itself_meanwhile_has_its_result(loop: EndableLoop, reasons: Reasons):
    async def stubborn() -> str:
        try:
            reasons.said = Shutdown
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "committed"
        return "never"

    assert loop.run_coroutine(stubborn()) == "committed"


def test_one_that_was_never_begun_ends_too(loop: EndableLoop, reasons: Reasons):
    may_go_on = threading.Event()
    reasons.said = Shutdown
    loop.loop.call_soon_threadsafe(may_go_on.wait, LONG_SECONDS)
    threading.Timer(0.3, may_go_on.set).start()

    async def never() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Shutdown):
        loop.run_coroutine(never())


def test_a_loop_that_does_not_run_says_so(reasons: Reasons):
    loop = EndableLoop(reasons)

    async def nothing() -> None: ...

    coroutine = nothing()
    with pytest.raises(RuntimeError, match="not running"):
        loop.run_coroutine(coroutine)
    coroutine.close()
    loop.loop.close()


class Outcomes(Middleware):
    """How messages ended."""

    def __init__(self) -> None:
        self.exceptions: list[BaseException | None] = []

    def after_process_message(self, broker, message, *, result=None, exception=None):
        self.exceptions.append(exception)


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


@pytest.fixture
def broker(clean_redis: RedisAddress, outcomes: Outcomes) -> RedisBroker:
    return redis_broker(clean_redis.url, [outcomes, Endings(time_limit=600_000)])


async def test_an_actor_ends_at_its_time_limit(broker: RedisBroker, outcomes: Outcomes):
    @dramatiq.actor(broker=broker, time_limit=SOON_MILLISECONDS)
    async def endless() -> None:
        await asyncio.Event().wait()

    worker = dramatiq.Worker(broker, worker_timeout=20, worker_threads=1)
    worker.start()
    try:
        endless.send()
        await until(lambda: bool(outcomes.exceptions))
    finally:
        await asyncio.to_thread(worker.stop)

    assert [type(error) for error in outcomes.exceptions] == [TimeLimitExceeded]


async def test_shutdown_ends_what_is_at_work(broker: RedisBroker, outcomes: Outcomes):
    began = threading.Event()

    @dramatiq.actor(broker=broker)
    async def endless() -> None:
        began.set()
        await asyncio.Event().wait()

    worker = dramatiq.Worker(broker, worker_timeout=20, worker_threads=1)
    worker.start()
    endless.send()
    await until(began.is_set)
    await asyncio.to_thread(worker.stop)

    assert [type(error) for error in outcomes.exceptions] == [Shutdown]


class SlowLock(logging.Handler):
    """Stands between having taken its lock and going on until the worker is told to stop."""

    def __init__(self, is_told: threading.Event) -> None:
        super().__init__()
        self.is_taken, self._is_told = threading.Event(), is_told

    def acquire(self) -> None:
        super().acquire()
        self.is_taken.set()
        while not self._is_told.wait(0.01):
            pass

    def emit(self, record: logging.LogRecord) -> None: ...


class Told(Middleware):
    """Sees that the worker is told to stop, after all others that are told."""

    def __init__(self) -> None:
        self.is_told = threading.Event()

    def after_worker_boot(self, broker, worker):
        self.is_told.clear()

    def before_worker_shutdown(self, broker, worker):
        threading.Timer(0.2, self.is_told.set).start()


async def test_a_worker_told_to_stop_while_a_thread_takes_a_lock_stops_and_the_lock_is_given_back(
    clean_redis: RedisAddress,
):
    told = Told()
    broker = redis_broker(clean_redis.url, [Endings(time_limit=600_000), told])
    handler = SlowLock(told.is_told)
    log = logging.getLogger("tests.workers.endings")
    log.propagate = False
    log.addHandler(handler)

    class Line(Middleware):
        def after_process_message(self, broker, message, *, result=None, exception=None):
            log.warning("done")

    broker.add_middleware(Line())

    @dramatiq.actor(broker=broker)
    async def quick() -> None: ...

    worker = dramatiq.Worker(broker, worker_timeout=20, worker_threads=1)
    worker.start()
    quick.send()
    try:
        await until(handler.is_taken.is_set)
        await asyncio.to_thread(worker.stop)
        lock = handler.lock
        assert lock is not None
        assert await asyncio.to_thread(lock.acquire, timeout=1.0)
    finally:
        log.removeHandler(handler)
