"""Save a journey under its name."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.application.journeys.save_journeys import SaveJourneyCommand, SaveJourneys
from sloengine.domain.governance.model import Actor
from sloengine.domain.journeys.model import Journey


@dataclass(frozen=True, slots=True)
class SaveJourney:
    """One journey, as ``SaveJourneys`` saves many."""

    save_all: SaveJourneys

    async def __call__(self, command: SaveJourneyCommand, *, actor: Actor) -> Journey:
        """The journey as it is stored.

        Raises ``Invalid``, ``ServiceNotFound``, ``Forbidden``; ``Conflict`` where somebody else saves the same
        name at the same time; ``TooLarge`` where there are 1,000 already.
        """
        outcome = await self.save_all([command], actor=actor)
        if outcome.refused:
            raise outcome.refused[0].error
        return outcome.saved[0]
