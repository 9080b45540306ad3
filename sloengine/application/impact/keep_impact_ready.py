"""Have ready what impact analyses rest on, so that nobody's question waits for it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

from sloengine.application.impact.impact_bases import ImpactBases
from sloengine.domain.errors import Unavailable

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeepImpactReady:
    """Runs as long as a process answers questions: at its start, and whenever the graph has changed since, what
    takes seconds on a large graph (reading 28 days, following failure through all of it) is done beside the
    questions. Decisions do not set it off; what they change is caught up with when somebody asks.
    """

    bases: ImpactBases
    every: timedelta = timedelta(seconds=10)

    async def __call__(self) -> None:
        """Never returns; a store that is away or a failure is tried again after a while."""
        while True:
            try:
                await self.bases.follow_graph()
            except Unavailable:
                pass  # who asks is told; here it is only early
            except Exception:
                _log.exception("impact analyses could not be made ready")
            await asyncio.sleep(self.every.total_seconds())
