"""Save a journey under its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.journey_store import JourneyStore
from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.domain.errors import TooLarge
from sloengine.domain.governance.authorization import require_decider, require_editor
from sloengine.domain.governance.model import Actor
from sloengine.domain.journeys.model import Journey, JourneyRoute, check_journey, check_known

MOST_JOURNEYS = 1_000


@dataclass(frozen=True, slots=True)
class SaveJourneyCommand:
    """``routes`` empty: the journey takes all that its entry points call."""

    name: str
    entry_points: Sequence[str]
    routes: Sequence[JourneyRoute] = ()


@dataclass(frozen=True, slots=True)
class SaveJourney:
    """A journey of the same name is replaced. sre_admin; service_owner where all entry points are own teams'."""

    graph: ServiceGraph
    journeys: JourneyStore
    clock: Clock

    async def __call__(self, command: SaveJourneyCommand, *, actor: Actor) -> Journey:
        """The journey as it is stored.

        Raises ``Invalid``, ``ServiceNotFound``, ``Forbidden``; ``Conflict`` where somebody else saves the same
        name at the same time; ``TooLarge`` where there are 1,000 already.
        """
        require_editor(actor, "save a journey")
        routes = tuple(
            JourneyRoute(route.name, route.weight, tuple(dict.fromkeys(route.services)))
            for route in command.routes
        )
        check_journey(command.name, command.entry_points, routes)
        now = self.clock.now()
        entry_points = tuple(dict.fromkeys(command.entry_points))
        journey = Journey(str(uuid4()), command.name, entry_points, routes, actor.subject, now, actor.subject, now)
        before = (await self.journeys.by_name([command.name])).get(command.name)
        known = await self.graph.services([*journey.named, *(() if before is None else before.entry_points)])
        check_known(journey, known)
        touched = [*journey.entry_points, *(() if before is None else before.entry_points)]
        require_decider(actor, [known[one] for one in touched if one in known], path=("input", "entryPoints"))
        if before is None and (await self.journeys.page(PageRequest(first=1))).total_count >= MOST_JOURNEYS:
            raise TooLarge(f"there are {MOST_JOURNEYS} journeys already; delete one that nobody needs")
        return await self.journeys.save(journey, replacing=before)
