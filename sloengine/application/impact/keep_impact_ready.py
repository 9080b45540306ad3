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
    at_most: timedelta = timedelta(minutes=10)

    async def __call__(self) -> None:
        """Never returns. A store that is away is asked again as often; a fault, which the next try likely meets
        again after seconds of work, twice as long after each time, up to ``at_most``.
        """
        pause = self.every
        while True:
            try:
                await self.bases.follow_graph()
                pause = self.every
            except Unavailable:
                pause = self.every  # who asks is told; here it is only early
            except Exception:
                pause = min(2 * pause, self.at_most)
                _log.exception("impact analyses could not be made ready; tried again in %s", pause)
            await asyncio.sleep(pause.total_seconds())
