"""A journey: what a user sets out to do, the services it enters by and the routes that its requests take."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sloengine.domain.errors import Invalid, ServiceNotFound

ANSWER_PREFIX = "journey:"
"""Begins the id of what is recommended for a journey: computed when asked for, never stored, never decided on."""
MOST_NAME_CHARACTERS = 253
MOST_ENTRY_POINTS = 100
MOST_ROUTES = 100
MOST_SERVICES_OF_ROUTE = 500


@dataclass(frozen=True, slots=True)
class JourneyRoute:
    """Services that a share of the journey's requests pass, each listed once.

    ``weight``: share of the requests, relative to the other routes; > 0. They need not add up to 1.
    """

    name: str
    weight: float
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Journey:
    """A named journey.

    ``entry_points``: services that its requests reach first. ``routes`` empty: a request takes all that the entry
    points call, by call weights.
    """

    journey_id: str
    name: str
    entry_points: tuple[str, ...]
    routes: tuple[JourneyRoute, ...]
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime

    @property
    def named(self) -> tuple[str, ...]:
        """All services that the journey names, entry points first, each once."""
        listed = (service for route in self.routes for service in route.services)
        return tuple(dict.fromkeys((*self.entry_points, *listed)))

    def shares(self) -> tuple[float, ...]:
        """Share of the requests on each route, in [0, 1]; they add up to 1."""
        whole = math.fsum(route.weight for route in self.routes)
        return tuple(route.weight / whole for route in self.routes)


def problems_of(name: str, entry_points: Sequence[str], routes: Sequence[JourneyRoute]) -> Iterator[Invalid]:
    """Everything for which a journey cannot have these parts; whether its services exist is asked elsewhere."""
    yield from _name_problems(name, "a journey", ("input", "name"))
    if not entry_points:
        yield Invalid("name at least one entry point", path=("input", "entryPoints"))
    if len(entry_points) > MOST_ENTRY_POINTS:
        yield Invalid(f"at most {MOST_ENTRY_POINTS} entry points", path=("input", "entryPoints"))
    if len(routes) > MOST_ROUTES:
        yield Invalid(
            f"at most {MOST_ROUTES} routes; leave out those with the least weight", path=("input", "routes")
        )
    seen: set[str] = set()
    for position, route in enumerate(routes):
        path = ("input", "routes", str(position))
        yield from _name_problems(route.name, "a route", (*path, "name"))
        if route.name in seen:
            yield Invalid(f"two routes are called {route.name!r}", path=(*path, "name"))
        seen.add(route.name)
        if not (math.isfinite(route.weight) and route.weight > 0.0):
            yield Invalid(f"a weight is a number above 0, not {route.weight:g}", path=(*path, "weight"))
        if not route.services:
            yield Invalid("name at least one service, or leave the route out", path=(*path, "services"))
        if len(route.services) > MOST_SERVICES_OF_ROUTE:
            yield Invalid(f"at most {MOST_SERVICES_OF_ROUTE} services", path=(*path, "services"))


def unknown_services(journey: Journey, known: Collection[str]) -> Iterator[ServiceNotFound]:
    """One for each place where the journey names a service that is not among ``known``."""
    for position, service in enumerate(journey.entry_points):
        if service not in known:
            yield ServiceNotFound(f"no service {service!r}", path=("input", "entryPoints", str(position)))
    for place, route in enumerate(journey.routes):
        for position, service in enumerate(route.services):
            if service not in known:
                yield ServiceNotFound(
                    f"no service {service!r}", path=("input", "routes", str(place), "services", str(position))
                )


def _name_problems(name: str, what: str, path: tuple[str, ...]) -> Iterator[Invalid]:
    if not 1 <= len(name) <= MOST_NAME_CHARACTERS or name != name.strip():
        yield Invalid(
            f"the name of {what} has 1 to {MOST_NAME_CHARACTERS} characters, no space at its ends", path=path
        )
    if any(not character.isprintable() for character in name):
        yield Invalid(f"the name of {what} has no control characters", path=path)
