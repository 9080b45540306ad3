"""Are drift events true? Every event of simulated organisations beside what really happened to the service.

    python -m bench.drift_organization [--organizations 12] [--services 30] [--days 90] [--first 0]

Organisations with calls, zone and platform incidents, retries, caches and deployments that change how a tenth of
the services behaves. Eight weeks are learnt from, ``--days`` judged. An availability event is traced: which
component caused the most of its failed requests between its start and its detection, as the simulator counted
them, and whether that component had an incident or a deployment behind it. A latency event is matched to
incidents and deployments of the service, of what it calls, and of what calls it. What chance alone would match is
told by the same events moved to random hours. The simulator's traffic never changes for good, so nothing is said
about that. Deterministic.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sloengine.domain.drift.alarm import DriftEvent, alarmed, sli_type_of
from sloengine.domain.drift.model import HourlySeries, hour_of
from sloengine.domain.drift.together import Onset, shared_causes
from sloengine.domain.drift.values import FEWEST_REQUESTS_P95, FEWEST_REQUESTS_P99, log_latencies
from sloengine.domain.drift.watch import REFERENCE_HOURS, advance, begin, measured
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.reliability.latency_hours import latency_hours
from sloengine.domain.simulation.chronicle import ChronicledIncident, incidents, shifts
from sloengine.domain.simulation.drawn import draw_organisation
from sloengine.domain.simulation.habits import Stretch
from sloengine.domain.simulation.lived import lived
from sloengine.domain.simulation.organisation import Organisation, availability
from sloengine.domain.simulation.organisation import latency_hours as simulated_latency
from sloengine.domain.simulation.settings import Faults, Shared, parameters_of
from sloengine.infrastructure.learning.change_detectors import RiverChangeDetectors

FIRST_HOUR = 490_896  # a Thursday, 2026-01-01T00
FOUND_WITHIN = 14 * 24
PLACEBOS = 20
_WEEK = 168
_KINDS = (ObjectiveKind.AVAILABILITY, ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99)
SHARED, OWN, DEPENDENCY, CALLER, DEPLOYED, THEIRS, NOTHING = (
    "shared outage",
    "own incident",
    "a dependency's incident",
    "a caller's incident",
    "deployment",
    "a dependency's deployment",
    "nothing",
)
CAUSES = (SHARED, OWN, DEPENDENCY, CALLER, DEPLOYED, THEIRS, NOTHING)


@dataclass
class World:
    """One organisation, what was found and what is true of it."""

    organisation: Organisation
    judged_from: int
    ends: int
    events: list[DriftEvent]
    chronicle: Sequence[ChronicledIncident]
    deployed: Mapping[str, int]
    reach: Mapping[str, frozenset[str]]
    series: Mapping[tuple[str, ObjectiveKind], HourlySeries]
    changes: Sequence[tuple[int, str, ObjectiveKind]]
    watched: dict[ObjectiveKind, int] = field(default_factory=dict)


def world(number: int, services: int, days: int) -> World:
    """Play an organisation and watch all of it."""
    judged_from = FIRST_HOUR + REFERENCE_HOURS
    ends = judged_from + days * 24
    parameters = parameters_of(Faults.RARE, Shared.ALL)
    drawn = draw_organisation(services, parameters, number, Stretch(judged_from, ends - 28 * 24))
    organisation = drawn.organisation
    series = _series(organisation, ends)
    events, watched, changes = _watched(series, ends, days * 24)
    calls: dict[str, set[str]] = {}
    for call in organisation.topology.calls:
        calls.setdefault(call.caller, set()).add(call.dependency)
    return World(
        organisation,
        judged_from,
        ends,
        events,
        incidents(organisation, FIRST_HOUR, ends),
        {name: shift.at_hour for name, shift in shifts(organisation) if judged_from <= shift.at_hour < ends},
        {one.service_id: _reached(calls, one.service_id) for one in organisation.topology.services},
        series,
        changes,
        watched,
    )


def _series(organisation: Organisation, ends: int) -> dict[tuple[str, ObjectiveKind], HourlySeries]:
    panel = availability(organisation, FIRST_HOUR, ends)
    found = {
        (name, ObjectiveKind.AVAILABILITY): HourlySeries(FIRST_HOUR, panel.bad[row], panel.total[row])
        for row, name in enumerate(panel.service_ids)
    }
    hours = latency_hours(list(simulated_latency(organisation, FIRST_HOUR, ends).values()))
    if hours is None:
        return found
    for kind, percentile, fewest in (
        (ObjectiveKind.LATENCY_P95, hours.p95_ms, FEWEST_REQUESTS_P95),
        (ObjectiveKind.LATENCY_P99, hours.p99_ms, FEWEST_REQUESTS_P99),
    ):
        values = log_latencies(percentile, hours.requests, fewest)
        for row in np.flatnonzero(~np.isnan(values).all(axis=1)):
            found[hours.service_ids[row], kind] = HourlySeries(FIRST_HOUR, values[row], None, 0.01)
    return found


def _watched(
    series: Mapping[tuple[str, ObjectiveKind], HourlySeries], ends: int, judged: int
) -> tuple[list[DriftEvent], dict[ObjectiveKind, int], list[tuple[int, str, ObjectiveKind]]]:
    """Changes made events in the order of time, as the passes do it; and every single alarm."""
    changes = []
    watched: Counter[ObjectiveKind] = Counter()
    for number, ((name, kind), one) in enumerate(series.items()):
        watch = begin(one, ends, judged=judged)
        if watch is None:
            continue
        watched[kind] += 1
        _, found = advance(watch, one, ends, RiverChangeDetectors(), offset=7 * number % _WEEK)
        changes += [(change.detected_hour, name, kind, measured(change, one)) for change in found]
    newest: dict[tuple[str, SliType], DriftEvent] = {}
    events: dict[str, DriftEvent] = {}
    for _, name, kind, change in sorted(changes, key=lambda one: one[:3]):
        place = name, sli_type_of(kind)
        newest[place] = alarmed(newest.get(place), name, kind, change)
        events[newest[place].event_id] = newest[place]
    return list(events.values()), dict(watched), sorted(one[:3] for one in changes)


def _reached(calls: Mapping[str, set[str]], name: str) -> frozenset[str]:
    seen: set[str] = set()
    left = [name]
    while left:
        new = calls.get(left.pop(), set()) - seen
        seen |= new
        left.extend(new)
    return frozenset(seen - {name})


def cause_of(known: World, event: DriftEvent) -> tuple[str, str | None]:
    """What is behind it, and a name for it: where and when it began."""
    first, last = hour_of(event.started_at), hour_of(event.detected_at)
    if event.sli_type is SliType.LATENCY:
        return matched(known, event.service_id, first, last)
    caused = lived(known.organisation, first, last).causes[event.service_id]
    for component, _ in sorted(caused.items(), key=lambda one: -one[1])[:1]:
        return _at(known, event.service_id, component, first, last)
    return NOTHING, None


def matched(known: World, service_id: str, first: int, last: int) -> tuple[str, str | None]:
    """The same without counts: what befell the service itself goes before what befell those it calls."""
    for component in (service_id, *sorted(known.reach[service_id])):
        found = _at(known, service_id, component, first, last)
        if found[0] != NOTHING:
            return found
    for caller in sorted(name for name, below in known.reach.items() if service_id in below):
        found = _at(known, service_id, caller, first, last)
        if found[0] in (SHARED, DEPENDENCY):
            return (CALLER if found[0] == DEPENDENCY else SHARED), found[1]
    return NOTHING, None


def _at(known: World, service_id: str, component: str, first: int, last: int) -> tuple[str, str | None]:
    hits = [
        one
        for one in known.chronicle
        if component in one.services and one.incident.ends_at_hour > first and one.incident.starts_at_hour < last
    ]
    hits.sort(key=lambda one: -one.incident.severity * (one.incident.ends_at_hour - one.incident.starts_at_hour))
    at = known.deployed.get(component)
    if at is not None and first - 24 <= at < last and last - at <= FOUND_WITHIN:
        return (DEPLOYED if component == service_id else THEIRS), f"{component} deployed"
    if not hits:
        return NOTHING, None
    if len(hits[0].services) > 1 or hits[0].place not in known.reach:
        return SHARED, f"{hits[0].place} {hits[0].incident.starts_at_hour:.2f}"
    return (OWN if component == service_id else DEPENDENCY), f"{component} {hits[0].incident.starts_at_hour:.2f}"


def _by_chance(known: World, events: Sequence[DriftEvent], random: np.random.Generator) -> float:
    """Share of events that would have been matched at random hours of the same service."""
    tries = hits = 0
    for event in events:
        length = max(1, hour_of(event.detected_at) - hour_of(event.started_at))
        for at in random.integers(known.judged_from, known.ends - length, PLACEBOS).tolist():
            hits += matched(known, event.service_id, at, at + length)[0] != NOTHING
            tries += 1
    return hits / tries if tries else float("nan")


def _grouping(worlds: Sequence[World], truth: Mapping[str, str]) -> None:
    """All organisations as one: what has the same cause, and what the engine puts together."""
    onsets, calls, root = [], {}, {}
    for number, known in enumerate(worlds):
        for name in known.reach:
            calls[f"{number} {name}"] = tuple(
                f"{number} {call.dependency}"
                for _, call in known.organisation.topology.calls_by_caller.get(name, ())
            )
        for event in known.events:
            key = f"{number} {event.event_id}"
            onsets.append(Onset(key, f"{number} {event.service_id}", event.started_at))
            root[key] = truth.get(key, key)
    groups = shared_causes(onsets, calls)
    together = {key: place for place, group in enumerate(groups) for key in group.event_ids}
    same = put = both = 0
    for place, one in enumerate(onsets):
        for other in onsets[:place]:
            if one.service_id == other.service_id:
                continue
            is_same = root[one.event_id] == root[other.event_id]
            is_put = together.get(one.event_id, -1) == together.get(other.event_id, -2)
            same, put, both = same + is_same, put + is_put, both + (is_same and is_put)
    services = sum(len(known.reach) for known in worlds)
    alone = len(onsets) - len(together)
    shared = [group for group in groups if len(group.service_ids) >= 3]
    print(f"\none cause, events of all {services} services as one organisation: {len(onsets)} events become")
    print(
        f"  {alone + len(groups)}: {alone} alone, {len(groups)} shared, {len(shared)} by three services and more;"
    )
    print(f"  in truth {len(set(root.values()))} causes")
    print(f"  pairs of services put together: {put}, rightly {both}; pairs that have one cause: {same}")
    named = [group for group in groups if group.origin is not None]
    right = sum(any(root[key].startswith(f"{group.origin} ") for key in group.event_ids) for group in named)
    print(f"  named an origin: {len(named)}, where it truly began: {right}")


def _deployments(worlds: Sequence[World]) -> None:
    """Whether each deployment that changes a service for good raised an alarm of the service's own."""
    print(f"\ndeployments, found by an alarm of the service's own within {FOUND_WITHIN // 24} days:")
    for sli_type, kind in ((SliType.AVAILABILITY, _KINDS[0]), (SliType.LATENCY, _KINDS[1])):
        found: dict[str, list[float]] = {}
        for known in worlds:
            for name, at in known.deployed.items():
                series = known.series.get((name, kind))
                if series is None:
                    continue
                later = [
                    hour - at
                    for hour, changed, seen in known.changes
                    if changed == name and sli_type_of(seen) is sli_type and at <= hour <= at + FOUND_WITHIN
                ]
                found.setdefault(_visible(series, at), []).append(min(later, default=np.inf))
        for size in sorted(found):
            delays = np.array(found[size])
            hit = np.isfinite(delays)
            middle = (
                f", median {np.median(delays[hit]):.0f} h, worst {delays[hit].max():.0f} h" if hit.any() else ""
            )
            print(f"  {sli_type:14}{size:44}{hit.sum():3d} of {len(delays)}{middle}")


def _visible(series: HourlySeries, at: int) -> str:
    """How much of a deployment there is to see in this series: its usual level in the four weeks around."""
    before, after = series.between(at - 4 * _WEEK, at), series.between(at, at + 4 * _WEEK)
    was, now = before.expected_ratio(), after.expected_ratio()
    if was is None or now is None:
        move = float(np.nanmedian(after.values) - np.nanmedian(before.values))
        noise = float(np.nanstd(before.values))
        return "moves by more than 2 sd" if abs(move) > 2 * noise else "moves by less"
    total = 0.0 if after.total is None else float(np.nanmean(after.total))
    factor = f"failures {'x 3 and more' if now > 3 * was else 'less than x 3'}"
    return f"{factor}, {'3 and more' if total * now >= 3 else 'under 3'} expected an hour"


def main(arguments: list[str] | None = None) -> int:
    """Print all tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.drift_organization", description=__doc__)
    parser.add_argument("--organizations", type=int, default=12)
    parser.add_argument("--services", type=int, default=30)
    parser.add_argument("--days", type=int, default=90, help="judged, behind eight weeks that are learnt from")
    parser.add_argument("--first", type=int, default=0, help="seed of the first organisation")
    asked = parser.parse_args(arguments)
    began = time.process_time()
    worlds = [world(asked.first + number, asked.services, asked.days) for number in range(asked.organizations)]
    random = np.random.default_rng(1)
    truth: dict[str, str] = {}
    for sli_type, kind in ((SliType.AVAILABILITY, _KINDS[0]), (SliType.LATENCY, _KINDS[1])):
        years = sum(known.watched.get(kind, 0) for known in worlds) * asked.days / 365
        causes: Counter[str] = Counter()
        delays: dict[str, list[int]] = {}
        chance = []
        for number, known in enumerate(worlds):
            some = [event for event in known.events if event.sli_type is sli_type]
            chance.append((_by_chance(known, some, random), len(some)))
            for event in some:
                cause, where = cause_of(known, event)
                if where is not None:
                    truth[f"{number} {event.event_id}"] = f"{number} {where}"
                causes[cause] += 1
                delays.setdefault(cause, []).append(hour_of(event.detected_at) - hour_of(event.started_at))
        total = sum(causes.values())
        print(f"\n{sli_type}: {total} events in {years:.1f} service-years, {total / years:.1f} a service-year")
        for cause in CAUSES:
            if causes[cause]:
                middle = np.median(delays[cause])
                print(
                    f"  {cause:28}{causes[cause]:5d} {causes[cause] / total:6.1%}  {middle:4.0f} h until detected"
                )
        by_chance = sum(share * count for share, count in chance if count) / max(1, total)
        print(f"  matched {1 - causes[NOTHING] / max(1, total):.1%}; at random hours {by_chance:.1%} would be")
        print(f"  without a cause {causes[NOTHING] / years:.2f} a service-year")
    _grouping(worlds, truth)
    _deployments(worlds)
    print(f"{time.process_time() - began:.0f} CPU s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
