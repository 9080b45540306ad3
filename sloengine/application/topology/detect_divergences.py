"""Find where declared and observed dependencies disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.divergence_store import DivergenceStore
from sloengine.application.ports.locks import Locks
from sloengine.domain.errors import Conflict
from sloengine.domain.topology.divergence import Divergence, find_divergences

DIVERGENCE_LOCK = "divergences"
LOCK_SECONDS = 15.0
CALLERS_PER_BATCH = 500


@dataclass(frozen=True, slots=True)
class DivergenceReport:
    """``found``: divergences of the callers looked at; ``new``: ids of those that were not known."""

    found: int = 0
    new: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DetectDivergences:
    """Run after each merge for the callers it spoke of, hourly for all. Safe to run twice."""

    store: DivergenceStore
    locks: Locks
    clock: Clock

    async def __call__(self, callers: Sequence[str] | None = None) -> DivergenceReport:
        """What there is of these callers, or (None) of all. Raises ``Conflict`` while another one looks."""
        async with self.locks.hold(DIVERGENCE_LOCK, ttl_seconds=LOCK_SECONDS) as got:
            if not got:
                raise Conflict("divergences are being looked for by somebody else; try again shortly")
            wanted = await self.store.callers() if callers is None else sorted(set(callers))
            count, new = 0, list[str]()
            for batch in batched(wanted, CALLERS_PER_BATCH):
                sightings = await self.store.sightings(batch)
                now = self.clock.now()
                found: list[Divergence] = []
                for caller in batch:
                    found.extend(find_divergences(caller, sightings.get(caller, ()), now))
                new.extend(await self.store.replace(batch, found, now=now))
                count += len(found)
            return DivergenceReport(count, tuple(new))
