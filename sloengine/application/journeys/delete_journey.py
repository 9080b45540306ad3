"""Take a journey away."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.application.ports.journey_store import JourneyStore
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.domain.errors import NotFound
from sloengine.domain.governance.authorization import require_decider, require_editor
from sloengine.domain.governance.model import Actor
from sloengine.domain.journeys.model import Journey


@dataclass(frozen=True, slots=True)
class DeleteJourney:
    """sre_admin; service_owner where all entry points are own teams'."""

    graph: ServiceGraph
    journeys: JourneyStore

    async def __call__(self, journey_id: str, *, actor: Actor) -> Journey:
        """The journey that was. Raises ``NotFound``, ``Forbidden``."""
        require_editor(actor, "delete a journey")
        found = (await self.journeys.by_id([journey_id])).get(journey_id)
        if found is None:
            raise NotFound("no journey has this id", path=("input", "id"))
        known = await self.graph.services(found.entry_points)
        require_decider(actor, known.values(), path=("input", "id"))
        gone = await self.journeys.delete(journey_id)
        if gone is None:
            raise NotFound("somebody else has just deleted this journey", path=("input", "id"))
        return gone
