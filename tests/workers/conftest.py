"""The real actors on a stub broker, with the use cases of a test engine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker

# The package installs its broker when it is imported; nothing is sent there.
os.environ.setdefault("SLOENGINE_REDIS_URL", "redis://127.0.0.1:1/0")

import workers
from sloengine.bootstrap.container import UseCases
from workers.context import context
from workers.middleware import middleware


@dataclass
class Bench:
    """Runs actors to their end."""

    broker: StubBroker

    async def run(self, use_cases: UseCases, *messages: dramatiq.Message) -> None:
        """Work until every queue is empty; raises what an actor raised that is not tried again."""
        context.provide(use_cases)
        for message in messages:
            self.broker.enqueue(message)
        await asyncio.to_thread(self._work)

    def _work(self) -> None:
        worker = dramatiq.Worker(self.broker, worker_timeout=20, worker_threads=2)
        worker.start()
        try:
            # What one actor sends may lie in a queue that was empty a moment ago.
            first = True
            while first or any(queue.unfinished_tasks for queue in self.broker.queues.values()):
                first = False
                for name in sorted(self.broker.get_declared_queues()):
                    self.broker.join(name, fail_fast=True, timeout=200_000)
        finally:
            worker.stop()


@pytest.fixture
def bench() -> Iterator[Bench]:
    stub = StubBroker(middleware=middleware())
    actors = list(workers.broker.actors.values())
    for actor in actors:
        actor.broker = stub
        stub.declare_queue(actor.queue_name)
        stub.declare_actor(actor)
    yield Bench(stub)
    for actor in actors:
        actor.broker = workers.broker
    context.provide(None)
