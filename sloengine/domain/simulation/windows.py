"""How the windows that come after a moment turn out: what a target is judged by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sloengine.domain.simulation.blocks import FloatArray
from sloengine.domain.simulation.habits import Stretch, with_coming_deployments
from sloengine.domain.simulation.organisation import Organisation
from sloengine.domain.simulation.percentiles import latency_percentiles
from sloengine.domain.simulation.playing import HOUR, Cut, moment_of, play_range
from sloengine.domain.simulation.streams import stream

WINDOW_PERCENTILES = (0.95, 0.99)
"""Of latency, what objectives are about."""


@dataclass(frozen=True)
class Windows:
    """The windows from one moment on, as they come in one or in several courses of events.

    ``availability_ratio``: by days; ``latency_seconds``: at WINDOW_PERCENTILES, None where it was not looked up.
    Shapes (n_services,) and (n_services, percentiles); several courses have a further axis, the last one.
    NaN: nobody asked the service anything in that time.
    """

    availability_ratio: Mapping[int, FloatArray]
    latency_seconds: FloatArray | None = None


def coming_windows(
    organisation: Organisation, from_hour: int, days: Sequence[int], latency_days: int | None = None
) -> Windows:
    """Each service over the next so many days, whether it is monitored or not; shapes without a last axis.

    ``latency_days``: the window of which latency is looked up, too; at most the longest of ``days``.
    """
    longest, slots_per_hour = max(days), organisation.parameters.slots_per_hour
    if latency_days is not None and latency_days > longest:
        raise ValueError(f"latency over {latency_days} days needs a window as long, the longest has {longest}")
    cut = Cut(organisation.parameters, from_hour, from_hour + 24 * longest, HOUR)
    slow = (
        None
        if latency_days is None
        else Cut(organisation.parameters, from_hour, from_hour + 24 * latency_days, HOUR)
    )
    failed: list[FloatArray] = []
    requests: list[FloatArray] = []
    moments: list[tuple[FloatArray, ...]] = []
    for played in play_range(organisation, cut):
        counts = played.counts
        failed.append(cut.within(played.block, counts.failed_requests.astype(np.float64)))
        requests.append(cut.within(played.block, counts.requests.astype(np.float64)))
        if slow is not None and played.block in slow.blocks:
            known = moment_of(organisation, played)
            values = (counts.requests, known.typical_seconds, known.load)
            moments.append(tuple(slow.within(played.block, value.astype(np.float64)) for value in values))
    bad, total = (np.cumsum(np.concatenate(parts, axis=1), axis=1) for parts in (failed, requests))
    last = {one: 24 * one * slots_per_hour - 1 for one in days}
    ratios = {
        one: 1 - np.divide(bad[:, at], total[:, at], out=np.full(len(bad), np.nan), where=total[:, at] > 0)
        for one, at in last.items()
    }
    if slow is None:
        return Windows(ratios)
    asked, typical, load = (np.concatenate(parts, axis=1) for parts in zip(*moments, strict=True))
    return Windows(ratios, latency_percentiles(organisation.parameters, asked, typical, load, WINDOW_PERCENTILES))


def other_courses(organisation: Organisation, count: int) -> Iterator[Organisation]:
    """The same services with the same behaviour and the same shifts in other courses of events.

    Incidents under way at any moment are those of each course, not those of this one.
    """
    for number in range(count):
        # By name, so that they are not the histories of the organisations with the next seeds.
        yield organisation.with_other_history(int(stream(organisation.seed, "course", number).integers(2**62)))


def other_futures(
    organisation: Organisation, stretch: Stretch, count: int, *, deployments: bool = True
) -> Iterator[Organisation]:
    """Other futures of the past up to the end of ``stretch``.

    What somebody would say who knows everything up to then and the chances of what comes, but not what comes:
    incidents under way go on; deployments of the coming weeks are drawn anew, or stay as they are where the
    organisation draws none (``deployments`` False).
    """
    for number in range(count):
        seed = int(stream(organisation.seed, "future", number).integers(2**62))
        topology = organisation.topology
        if deployments:
            topology = replace(topology, services=tuple(with_coming_deployments(topology.services, seed, stretch)))
        yield organisation.with_other_future(stretch.to_hour, seed, topology)


def played_windows(
    courses: Iterator[Organisation],
    from_hour: int,
    days: Sequence[int],
    latency_days: int | None = None,
    after_each: Callable[[], None] = lambda: None,
) -> Windows:
    """:func:`coming_windows` in each course; of a course only its windows are kept. One course at least."""
    found = []
    for one in courses:
        found.append(coming_windows(one, from_hour, days, latency_days))
        after_each()
    seconds = [one.latency_seconds for one in found if one.latency_seconds is not None]
    return Windows(
        {length: np.stack([one.availability_ratio[length] for one in found], axis=-1) for length in days},
        np.stack(seconds, axis=-1) if seconds else None,
    )


def window_draws(organisation: Organisation, from_hour: int, days: int, draws: int) -> FloatArray:
    """Availability of that window in other courses of events, shape (n_services, draws); NaN without requests."""
    return played_windows(other_courses(organisation, draws), from_hour, [days]).availability_ratio[days]


def future_draws(organisation: Organisation, stretch: Stretch, days: int, draws: int) -> FloatArray:
    """Availability over the ``days`` after ``stretch`` in other futures, shape (n_services, draws).

    NaN: no requests.
    """
    futures = other_futures(organisation, stretch, draws)
    return played_windows(futures, stretch.to_hour, [days]).availability_ratio[days]
