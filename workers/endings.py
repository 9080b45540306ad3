"""Ends actors at their time limit and at shutdown, by cancelling their coroutine.

Dramatiq's own middlewares raise an exception in the worker's thread, wherever that stands just then. Where it
stands between taking a lock and the block that gives it back, nobody ever does: with the logging module's lock all
later lines of the process wait for ever, those of its shutdown too. Our actors are all coroutines; no thread has
to be interrupted: the one that waits for a coroutine asks every tenth of a second whether to go on waiting.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable

from dramatiq.asyncio import EventLoopThread, get_event_loop_thread, set_event_loop_thread
from dramatiq.broker import Broker, MessageProxy
from dramatiq.middleware import Middleware, Shutdown, TimeLimitExceeded
from dramatiq.threading import Interrupt
from dramatiq.worker import Worker

CLEANUP_SECONDS = 5.0
"""How long a cancelled actor may take to give back what it holds."""


class EndableLoop(EventLoopThread):
    """The event loop of a worker process, for coroutines that other threads wait for."""

    def __init__(self, reason_to_end: Callable[[int], type[Interrupt] | None]) -> None:
        """``reason_to_end``: of the thread with this number, or None while it should go on."""
        super().__init__(logging.getLogger(__name__))
        self._reason_to_end = reason_to_end

    def run_coroutine[R](self, coro: Awaitable[R]) -> R:
        """Its result.

        Raises:
            TimeLimitExceeded, Shutdown: It was cancelled for that, and has given back what it held.
            RuntimeError: The loop does not run, or the cancelled coroutine does not end.
        """
        if not self.loop.is_running():
            raise RuntimeError("The event loop is not running.")
        ended, tasks = threading.Event(), list[asyncio.Future[R]]()

        def begin() -> None:
            task = asyncio.ensure_future(coro)
            # By a callback, not in the coroutine: one that is cancelled before its first step never runs.
            task.add_done_callback(lambda _: ended.set())
            tasks.append(task)

        def cancel() -> None:
            tasks[0].cancel()

        self.loop.call_soon_threadsafe(begin)
        while not ended.wait(self.interrupt_check_ival):
            reason = self._reason_to_end(threading.get_ident())
            if reason is not None:
                self.loop.call_soon_threadsafe(cancel)
                if not ended.wait(CLEANUP_SECONDS):
                    raise RuntimeError(f"It was cancelled ({reason.__name__}) and does not end.")
                if tasks[0].cancelled():
                    raise reason
                break
            if not self.loop.is_running():
                raise RuntimeError("The event loop ended.")
        return tasks[0].result()

    def stop(self) -> None:
        """Stop and close the loop, and wait for its thread."""
        if self.loop.is_running():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.join()


class Endings(Middleware):
    """The worker's event loop, with a limit of time for every actor and an end of all at shutdown."""

    def __init__(self, time_limit: int) -> None:
        """``time_limit``: milliseconds, of actors that name none."""
        self._time_limit = time_limit
        self._deadlines: dict[int, float] = {}
        self._is_shutting_down = threading.Event()

    @property
    def actor_options(self) -> set[str]:
        """What an actor may say: its ``time_limit`` in milliseconds."""
        return {"time_limit"}

    def reason_to_end(self, thread: int) -> type[Interrupt] | None:
        """Why what this thread waits for should end. None: it works on no message, or may go on."""
        deadline = self._deadlines.get(thread)
        if deadline is None:
            return None
        if self._is_shutting_down.is_set():
            return Shutdown
        return TimeLimitExceeded if time.monotonic() >= deadline else None

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        """Start the loop."""
        self._is_shutting_down.clear()
        loop = EndableLoop(self.reason_to_end)
        loop.start(timeout=10.0)
        set_event_loop_thread(loop)

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:
        """The thread's time runs."""
        actor = broker.get_actor(message.actor_name)
        limit = message.options.get("time_limit") or actor.options.get("time_limit", self._time_limit)
        self._deadlines[threading.get_ident()] = time.monotonic() + limit / 1000

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """The thread works on nothing."""
        self._deadlines.pop(threading.get_ident(), None)

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:
        """The thread works on nothing."""
        self.after_process_message(broker, message)

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """All that is at work ends; its messages go back to the queue (``Retries`` and the consumer see to it)."""
        self._is_shutting_down.set()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Stop the loop."""
        loop = get_event_loop_thread()
        if isinstance(loop, EndableLoop):
            loop.stop()
            set_event_loop_thread(None)
