"""How probably numbers that somebody chose will be met."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from sloengine.application.ports.clock import Clock
from sloengine.application.recommendation.compute_recommendations import probabilities_met
from sloengine.application.recommendation.evidence_reader import EvidenceReader
from sloengine.application.recommendation.evidence_scope import Scope
from sloengine.application.telemetry.pulled_hours import HOUR, floor_to
from sloengine.domain.errors import Unavailable
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow

LARGE_SCOPE = 1_000
"""Services from which on a decision does not wait as long as it takes, and one is judged at a time."""
PATIENCE_SECONDS = 8.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Judged:
    """A probability per target, None where none is known. ``why_unknown``: where none could be worked out."""

    probabilities: Sequence[float | None]
    why_unknown: str | None = None


@dataclass(frozen=True, slots=True)
class JudgeTargets:
    """P(met over the next window) of any targets, from what is stored; nothing is pulled."""

    evidence: EvidenceReader
    clock: Clock
    settings: EngineSettings
    large_scope: int = LARGE_SCOPE
    patience_seconds: float = PATIENCE_SECONDS
    _large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1), init=False, repr=False)
    _running: set[asyncio.Task[Sequence[float | None]]] = field(default_factory=set, init=False, repr=False)

    async def __call__(
        self, service_id: str, window: ComplianceWindow, targets: Sequence[SloTarget]
    ) -> Sequence[float | None]:
        """One probability per target; None where the data do not carry an answer."""
        scope = await self.evidence.scope([service_id], only_below=True)
        return await self._of(scope, service_id, window, targets)

    async def after_decision(
        self, service_id: str, window: ComplianceWindow, targets: Sequence[SloTarget]
    ) -> Judged:
        """The same for a decision that is on record: whatever goes wrong here does not undo it.

        Where very many services lie below, making them ready takes longer than anybody waits for an answer. It
        goes on beside, so that who asks next finds it done.
        """
        nothing = [None] * len(targets)
        try:
            scope = await self.evidence.scope([service_id], only_below=True)
            if len(scope.kept) < self.large_scope:
                return Judged(await self._of(scope, service_id, window, targets))
            found = await self._in_time(scope, service_id, window, targets)
        except Unavailable as down:
            return Judged(nothing, f"it could not be worked out: {down.message}")
        except Exception:
            _log.exception("targets of %s could not be judged", service_id)
            return Judged(nothing, "it could not be worked out")
        if found is not None:
            return Judged(found)
        late = f"with {len(scope.kept):,} services to look at it takes more than {self.patience_seconds:g} s"
        return Judged(nothing, f"{late}; a recommendation for the service says how often targets are met")

    async def _in_time(
        self, scope: Scope, service_id: str, window: ComplianceWindow, targets: Sequence[SloTarget]
    ) -> Sequence[float | None] | None:
        """None: it takes longer, or another one that does is under way."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self.patience_seconds
        try:
            async with asyncio.timeout_at(until):
                await self._large.acquire()
        except TimeoutError:
            return None
        # Its thread cannot be stopped, so it keeps the place until it is done.
        task = asyncio.create_task(self._of(scope, service_id, window, targets))
        self._running.add(task)
        task.add_done_callback(self._ended)
        done, _ = await asyncio.wait({task}, timeout=until - loop.time())
        return task.result() if done else None

    def _ended(self, task: asyncio.Task[Sequence[float | None]]) -> None:
        self._running.discard(task)
        self._large.release()
        if not task.cancelled():
            task.exception()  # seen: asyncio complains of errors that nobody has asked for

    async def _of(
        self, scope: Scope, service_id: str, window: ComplianceWindow, targets: Sequence[SloTarget]
    ) -> Sequence[float | None]:
        now = self.clock.now()
        as_of = (await self.evidence.history.watermark()).aggregated_to or floor_to(now, HOUR)
        prepared = await self.evidence.read(scope, as_of=as_of, filled=0)
        return await asyncio.to_thread(
            probabilities_met,
            prepared,
            service_id,
            targets,
            window=window,
            now=now,
            settings=self.settings,
        )
