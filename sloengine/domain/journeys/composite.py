"""What a journey's requests get, composed from the services that they pass, interval by interval.

In one stored interval (an hour, mostly) all services are taken as they were in that interval, so that failures
which came together stay together. Levels come from sums, the shape in time from what each component shows beyond
what its calls explain, as in the composite bound. A journey without routes gets what its entry points' requests
got: that was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from sloengine.domain.journeys.composed_series import coverage_of_any, journey_traffic, mean_over, route_series
from sloengine.domain.journeys.left_out import entries_of, first_of, left_out, said_of_left_out
from sloengine.domain.journeys.model import Journey
from sloengine.domain.journeys.promises import DEPTH, promised_along
from sloengine.domain.journeys.route_system import SolvedRoute, solve_route
from sloengine.domain.recommendation.model import BoundContribution, CompositeBound
from sloengine.domain.reliability.panel import FloatArray, SliPanel
from sloengine.domain.topology.bound_shares import CONTRIBUTIONS
from sloengine.domain.topology.composite_bound import composite_bound
from sloengine.domain.topology.graph_reliability import GraphReliability
from sloengine.domain.topology.intrinsic import hazard

_SMALLEST_SHARE = 1e-6
_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True)
class RouteOutcome:
    """What requests on one route got. ``name`` of the route, or of the entry point where there are no routes."""

    name: str
    share: float
    availability_ratio: float


@dataclass(frozen=True)
class JourneyComposite:
    """A journey's availability as composed.

    ``series``: one row, ``series_id``, good and valid requests of the journey per interval; None: nothing that it
    passes has data. ``bound.contributions``: what its services are to answer for, entry points among them.
    """

    series_id: str
    series: SliPanel | None
    bound: CompositeBound
    routes: tuple[RouteOutcome, ...]
    notes: tuple[str, ...]

    @property
    def weakest_links(self) -> tuple[BoundContribution, ...]:
        """Services by their share of the journey's failures, largest first."""
        return self.bound.contributions


@dataclass(frozen=True)
class _Way:
    """One route, or one entry point with all below it."""

    name: str
    share: float
    unavailability: FloatArray
    independent: float
    shares: Mapping[int, float]
    promised: float | None
    error: float
    notes: tuple[str, ...]


def series_id_of(journey: Journey) -> str:
    """The name under which a journey's composed series is told from services'."""
    return f"journey {journey.name}"


def compose_journey(
    model: GraphReliability,
    panel: SliPanel,
    journey: Journey,
    *,
    window: timedelta,
    promises: Mapping[str, float] | None = None,
    seed: int = 0,
) -> JourneyComposite:
    """Compose a journey.

    Parameters:
        model: learnt from ``panel`` on a graph that has the journey's services, what they call and their callers.
        panel: requests and good ones, the one that ``model`` was learnt from.
        window: over which budget minutes are counted.
        promises: availability that active SLOs promise, in [0, 1], by service id.

    Raises:
        KeyError: the graph does not know a service of the journey.
    """
    promises = promises or {}
    traffic, counted_at, traffic_note = journey_traffic(panel, journey)
    coverage = coverage_of_any(panel, counted_at)
    ways = (
        [
            _along(model, panel, journey, position, share, traffic, promises, seed)
            for position, share in enumerate(journey.shares())
        ]
        if journey.routes
        else [
            _from_entry(model, panel, entry, share, traffic, window, promises, seed)
            for entry, share in zip(journey.entry_points, _entry_shares(panel, journey), strict=True)
        ]
    )
    unavailability = np.sum([way.share * way.unavailability for way in ways], axis=0)
    observed = mean_over(unavailability, traffic)
    notes = dict.fromkeys(note for way in ways for note in way.notes)
    if traffic_note:
        notes[traffic_note] = None
    error = sum(way.share * way.error for way in ways)
    if error > 0.0:
        notes[f"Sampled over edges; standard error {error:.1g}."] = None
    series_id = series_id_of(journey)
    return JourneyComposite(
        series_id=series_id,
        series=None
        if not np.nansum(traffic) > 0.0
        else SliPanel(
            (series_id,),
            panel.start_at,
            panel.step,
            (traffic * (1.0 - unavailability))[None, :],
            traffic[None, :],
            None if coverage is None else coverage[None, :],
        ),
        bound=CompositeBound(
            observed_ratio=1.0 - observed,
            independent_ratio=1.0 - sum(way.share * way.independent for way in ways),
            intrinsic_ratio=1.0,
            promised_ratio=_promised_of(ways, traffic),
            contributions=_links(model, ways, observed, traffic, window),
            assumptions=tuple(notes),
        ),
        routes=tuple(
            RouteOutcome(way.name, way.share, 1.0 - mean_over(way.unavailability, traffic)) for way in ways
        ),
        notes=tuple(notes),
    )


def _along(
    model: GraphReliability,
    panel: SliPanel,
    journey: Journey,
    position: int,
    share: float,
    traffic: FloatArray,
    promises: Mapping[str, float],
    seed: int,
) -> _Way:
    route = journey.routes[position]
    solved = solve_route(model, journey.entry_points, route.services, seed=seed)
    notes = [
        f"The graph knows no call that leads to {service}: its failures are taken to fail route {route.name}."
        for service in solved.unconnected
    ]
    if said := _left_out(model, journey, position, seed, solved):
        notes.append(said)
    index = model.graph.index
    blank = sorted({service for service in route.services if index[service] in model.unknown})
    if blank:
        fails = "it fails" if len(blank) == 1 else "they fail"
        notes.append(f"No telemetry of {first_of(blank)}: what {fails} is not in it.")
    return _Way(
        route.name,
        share,
        route_series(model, panel, solved),
        solved.answer.probability,
        _shares(model, solved),
        promised_along(model, journey, position, promises, seed),
        solved.answer.standard_error,
        tuple(notes),
    )


def _left_out(
    model: GraphReliability, journey: Journey, position: int, seed: int, solved: SolvedRoute
) -> str | None:
    route, index = journey.routes[position], model.graph.index
    missing = [service for service in left_out(model.graph, journey, position) if service in index]
    if not missing:
        return None
    passed = (*entries_of(journey, position), *route.services, *missing)
    whole = solve_route(model, journey.entry_points, passed, seed=seed)
    return said_of_left_out(route, missing, 1.0 - solved.answer.probability, 1.0 - whole.answer.probability)


def _from_entry(
    model: GraphReliability,
    panel: SliPanel,
    entry: str,
    share: float,
    traffic: FloatArray,
    window: timedelta,
    promises: Mapping[str, float],
    seed: int,
) -> _Way:
    """All that an entry point calls. Its own telemetry counts what its users got, so that is what is used."""
    result = composite_bound(model, entry, max_depth=DEPTH, window=window, promises=promises, seed=seed)
    bound, position = result.bound, model.graph.index[entry]
    row = panel.rows.get(entry)
    measured = row is not None and position not in model.unknown and np.nansum(panel.total[row]) > 0.0
    if measured and row is not None:
        # Failures of this entry point's users over all users of the interval: shares move with the traffic.
        failed = np.nan_to_num(panel.total[row] - panel.good[row])
        with np.errstate(invalid="ignore", divide="ignore"):
            unavailability = np.where(np.isnan(traffic), np.nan, failed / (share * traffic))
            unavailability = np.where(traffic == 0.0, 0.0, unavailability)
    else:
        below = list(model.graph.distances([entry], DEPTH))
        solved = solve_route(model, [entry], below, use_weights=True, seed=seed)
        unavailability = route_series(model, panel, solved)
    whole = hazard(1.0 - bound.observed_ratio)
    shares = {model.graph.index[part.service_id]: part.share_ratio for part in bound.contributions}
    shares[position] = min(1.0, hazard(result.own_unavailability) / whole) if whole > 0.0 else 0.0
    return _Way(
        entry,
        share,
        np.asarray(unavailability, np.float64),
        1.0 - bound.independent_ratio,
        shares,
        bound.promised_ratio,
        result.standard_error,
        bound.assumptions,
    )


def _entry_shares(panel: SliPanel, journey: Journey) -> list[float]:
    """Entry points by their traffic; equal where none has any."""
    totals = [
        float(np.nansum(panel.total[panel.rows[entry]])) if entry in panel.rows else 0.0
        for entry in journey.entry_points
    ]
    whole = sum(totals)
    return [total / whole if whole > 0.0 else 1.0 / len(totals) for total in totals]


def _shares(model: GraphReliability, solved: SolvedRoute) -> dict[int, float]:
    """Share of the route's unavailability by service, a cycle's divided by its members' own failures."""
    whole = sum(part for part in solved.answer.share.values() if part > 0.0)
    shares: dict[int, float] = {}
    if whole <= 0.0:
        return shares
    for node, part in solved.answer.share.items():
        components = [c for c in solved.components_of(node) if c < len(model.members)]
        for component in components:
            services = model.members[component]
            hazards = model.intrinsic.service_hazard[services]
            total = float(hazards.sum())
            for service, own in zip(services, hazards.tolist(), strict=True):
                piece = own / total if total > 0.0 else 1.0 / len(services)
                shares[service] = shares.get(service, 0.0) + part / whole / len(components) * piece
    return shares


def _links(
    model: GraphReliability, ways: list[_Way], observed: float, traffic: FloatArray, window: timedelta
) -> tuple[BoundContribution, ...]:
    """Services by their part of the journey's failures."""
    failed = [way.share * max(mean_over(way.unavailability, traffic), 0.0) for way in ways]
    whole = sum(failed)
    shares: dict[int, float] = {}
    for way, part in zip(ways, failed, strict=True):
        for service, share in way.shares.items():
            shares[service] = shares.get(service, 0.0) + (share * part / whole if whole > 0.0 else 0.0)
    minutes = observed * window / timedelta(minutes=1)
    listed = sorted(
        ((share, service) for service, share in shares.items() if share > _SMALLEST_SHARE),
        key=lambda pair: (-pair[0], model.names[pair[1]]),
    )[:CONTRIBUTIONS]
    return tuple(
        BoundContribution(
            service_id=model.names[service],
            share_ratio=min(1.0, share),
            budget_minutes=share * minutes,
            one_more_nine=bool(model.shown[service] <= observed / 10.0 + _TOLERANCE)
            if np.isfinite(model.shown[service])
            else None,
        )
        for share, service in listed
    )


def _promised_of(ways: list[_Way], traffic: FloatArray) -> float | None:
    if all(way.promised is None for way in ways):
        return None
    return 1.0 - sum(
        way.share * (mean_over(way.unavailability, traffic) if way.promised is None else 1.0 - way.promised)
        for way in ways
    )
