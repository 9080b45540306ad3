"""Save several journeys under their names: all of them, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.journey_store import JourneyStore
from sloengine.application.ports.paging import PageRequest
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.domain.errors import DomainError, Forbidden, Invalid, TooLarge
from sloengine.domain.governance.authorization import require_decider, require_editor
from sloengine.domain.governance.model import Actor
from sloengine.domain.journeys.model import Journey, JourneyRoute, problems_of, unknown_services
from sloengine.domain.topology.service import Service

MOST_JOURNEYS = 1_000


@dataclass(frozen=True, slots=True)
class SaveJourneyCommand:
    """``routes`` empty: the journey takes all that its entry points call."""

    name: str
    entry_points: Sequence[str]
    routes: Sequence[JourneyRoute] = ()

    def journey(self, actor: Actor, now: datetime) -> Journey:
        """As it would be stored, each service of a route once."""
        routes = tuple(
            JourneyRoute(route.name, route.weight, tuple(dict.fromkeys(route.services))) for route in self.routes
        )
        entry_points = tuple(dict.fromkeys(self.entry_points))
        return Journey(str(uuid4()), self.name, entry_points, routes, actor.subject, now, actor.subject, now)


@dataclass(frozen=True, slots=True)
class RefusedJourney:
    """Something for which a journey cannot be saved. ``position``: of the journey in what was given, from 0."""

    position: int
    name: str
    error: DomainError


def path_in_list(refused: RefusedJourney) -> tuple[str, ...]:
    """Where the mistake is in a list of journeys: ``input.journeys.2.routes.0.weight``."""
    return ("input", "journeys", str(refused.position), *refused.error.path[1:])


@dataclass(frozen=True, slots=True)
class SavedJourneys:
    """``refused`` not empty: nothing was saved."""

    saved: Sequence[Journey]
    refused: Sequence[RefusedJourney] = ()


@dataclass(frozen=True, slots=True)
class SaveJourneys:
    """Journeys of the same names are replaced. sre_admin; service_owner where all entry points are own teams'."""

    graph: ServiceGraph
    journeys: JourneyStore
    clock: Clock

    async def __call__(self, commands: Sequence[SaveJourneyCommand], *, actor: Actor) -> SavedJourneys:
        """The journeys as they are stored, or everything that is wrong with any of them.

        Raises ``Forbidden`` for those who may only read; ``Conflict`` where somebody else saves one of the names
        at the same time; ``TooLarge`` where there would be more than 1,000.
        """
        require_editor(actor, "save a journey")
        now = self.clock.now()
        drafts = [command.journey(actor, now) for command in commands]
        before = await self.journeys.by_name([draft.name for draft in drafts])
        entered = [one for journey in before.values() for one in journey.entry_points]
        known = await self.graph.services([*(one for draft in drafts for one in draft.named), *entered])
        refused = [
            RefusedJourney(position, draft.name, error)
            for position, draft in enumerate(drafts)
            for error in _wrong_with(draft, before.get(draft.name), known, actor)
        ]
        often = Counter(draft.name for draft in drafts)
        refused += [
            RefusedJourney(
                position, draft.name, Invalid("this name is given more than once", path=("input", "name"))
            )
            for position, draft in enumerate(drafts)
            if often[draft.name] > 1
        ]
        if refused:
            return SavedJourneys([], sorted(refused, key=lambda one: one.position))
        new = sum(draft.name not in before for draft in drafts)
        if new and (await self.journeys.page(PageRequest(first=1))).total_count + new > MOST_JOURNEYS:
            raise TooLarge(f"more than {MOST_JOURNEYS} journeys; delete some that nobody needs")
        return SavedJourneys(await self.journeys.save_all([(draft, before.get(draft.name)) for draft in drafts]))


def _wrong_with(
    draft: Journey, before: Journey | None, known: Mapping[str, Service], actor: Actor
) -> Sequence[DomainError]:
    """What of its parts; else which services are not known; else whether the actor may."""
    parts = list(problems_of(draft.name, draft.entry_points, draft.routes))
    if parts:
        return parts
    unknown = list(unknown_services(draft, known))
    if unknown:
        return unknown
    touched = [*draft.entry_points, *(() if before is None else before.entry_points)]
    try:
        require_decider(actor, [known[one] for one in touched if one in known], path=("input", "entryPoints"))
    except Forbidden as error:
        return [error]
    return []
