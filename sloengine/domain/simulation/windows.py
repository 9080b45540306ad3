"""How the windows that come after a moment turn out: what a target is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sloengine.domain.simulation.blocks import FloatArray
from sloengine.domain.simulation.habits import Stretch, with_coming_deployments
from sloengine.domain.simulation.organisation import Organisation
from sloengine.domain.simulation.playing import HOUR, Cut, play_range
from sloengine.domain.simulation.streams import stream


def coming_availability(
    organisation: Organisation, from_hour: int, days: Sequence[int]
) -> Mapping[int, Sequence[float | None]]:
    """Availability of each service over the next so many days, whether it is monitored or not.

    By days, then in the topology's order; None where nobody asked it anything in that time.
    """
    longest = max(days)
    cut = Cut(organisation.parameters, from_hour, from_hour + 24 * longest, HOUR)
    failed: list[FloatArray] = []
    requests: list[FloatArray] = []
    for played in play_range(organisation, cut):
        failed.append(cut.within(played.block, played.counts.failed_requests.astype(np.float64)))
        requests.append(cut.within(played.block, played.counts.requests.astype(np.float64)))
    bad, total = (np.cumsum(np.concatenate(parts, axis=1), axis=1) for parts in (failed, requests))
    last = {one: 24 * one * organisation.parameters.slots_per_hour - 1 for one in days}
    return {
        one: [
            1 - float(bad[place, at] / total[place, at]) if total[place, at] else None
            for place in range(len(organisation.topology.services))
        ]
        for one, at in last.items()
    }


def window_draws(organisation: Organisation, from_hour: int, days: int, draws: int) -> FloatArray:
    """Availability of that window in other courses of events, shape (n_services, draws); NaN without requests.

    The same services with the same behaviour and the same shifts: the distribution that a promise for the window
    is about. Incidents under way at ``from_hour`` are those of each course, not those of this one.
    """
    drawn = [
        coming_availability(organisation.with_other_history(organisation.seed + 1 + number), from_hour, [days])
        for number in range(draws)
    ]
    return np.array([[np.nan if ratio is None else ratio for ratio in one[days]] for one in drawn]).T


def future_draws(organisation: Organisation, stretch: Stretch, days: int, draws: int) -> FloatArray:
    """Availability over the ``days`` after ``stretch`` in other futures, shape (n_services, draws).

    What somebody would say who knows everything up to then and the chances of what comes, but not what comes:
    incidents under way go on, deployments of the coming weeks are drawn anew. NaN: no requests. The stretch ends
    with a week.
    """
    found = []
    for number in range(draws):
        seed = int(stream(organisation.seed, "future", number).integers(2**62))
        services = with_coming_deployments(organisation.topology.services, seed, stretch)
        topology = replace(organisation.topology, services=tuple(services))
        future = organisation.with_other_future(stretch.to_hour, seed, topology)
        found.append(coming_availability(future, stretch.to_hour, [days])[days])
    return np.array([[np.nan if ratio is None else ratio for ratio in one] for one in found]).T
