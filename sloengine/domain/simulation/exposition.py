"""What exporters would have counted: per slot, split by outcome, with restarts and broken stretches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.simulation.blocks import FloatArray, IntArray
from sloengine.domain.simulation.latency import OTEL_BOUNDS_SECONDS, mean_seconds
from sloengine.domain.simulation.organisation import Organisation, latency_draws
from sloengine.domain.simulation.playing import HOUR, Cut, Played, moment_of, play_range
from sloengine.domain.simulation.streams import stream

type Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ServiceExposition:
    """One service's exporter.

    ``good`` and ``failed``: requests by latency, shape (n_bounds, slots), not cumulative. ``seconds``: mean
    latency, shape (slots,). Flags, shape (slots,): ``seen`` was scraped, ``broken`` says NaN for
    success, ``restarts`` its counters begin at 0 with this slot.
    """

    service_id: str
    good: IntArray
    failed: IntArray
    seconds: FloatArray
    seen: Flags
    broken: Flags
    restarts: Flags
    has_histogram: bool


@dataclass(frozen=True)
class CallExposition:
    """Calls of one dependency as the caller counts them, shape (slots,)."""

    caller: str
    dependency: str
    calls: IntArray
    failed: IntArray
    seen: Flags


@dataclass(frozen=True)
class Exposition:
    """A stretch of time. ``first_hour``: hours since 1970 at the start of its first slot."""

    first_hour: int
    slots_per_hour: int
    services: tuple[ServiceExposition, ...]
    calls: tuple[CallExposition, ...]


def expositions(organisation: Organisation, from_hour: int, to_hour: int) -> Iterator[Exposition]:
    """The exporters' counts in [from_hour, to_hour), in stretches of at most a week, oldest first."""
    cut = Cut(organisation.parameters, from_hour, to_hour, HOUR)
    topology = organisation.topology
    for played in play_range(organisation, cut):
        first = max(played.block.first_hour, from_hour)
        part = slice(*(cut.slots_of(played.block)))
        callers = (topology.position[call.caller] for call in topology.calls)
        dependencies = (topology.position[call.dependency] for call in topology.calls)
        yield Exposition(
            first_hour=first,
            slots_per_hour=played.block.slots_per_hour,
            services=tuple(_services(organisation, played, part)),
            calls=tuple(
                CallExposition(
                    call.caller,
                    call.dependency,
                    played.counts.calls[place, part],
                    played.counts.failed_calls[place, part],
                    (played.telemetry[caller] & played.exists[dependency])[part],
                )
                for place, (call, caller, dependency) in enumerate(
                    zip(topology.calls, callers, dependencies, strict=True)
                )
            ),
        )


def _services(organisation: Organisation, played: Played, part: slice) -> Iterator[ServiceExposition]:
    topology, parameters = organisation.topology, organisation.parameters
    known = moment_of(organisation, played)
    seconds = mean_seconds(parameters, known.typical_seconds, known.load)
    monitored = [place for place, service in enumerate(topology.services) if service.monitored]
    for place, drawn in latency_draws(organisation, played, monitored):
        service = topology.services[place]
        requests = played.counts.requests[place]
        failed = requests if service.success_always_zero else played.counts.failed_requests[place]
        rng = stream(
            organisation.course.seed_of(played.block.number), "outcomes", service.service_id, played.block.number
        )
        by_latency = _spread(rng, drawn, failed)
        yield ServiceExposition(
            service_id=service.service_id,
            good=(drawn - by_latency).T[:, part],
            failed=by_latency.T[:, part],
            seconds=seconds[place, part],
            seen=played.telemetry[place, part],
            broken=played.success_is_nan[place, part],
            restarts=_restarts(organisation, place, played)[part],
            has_histogram=service.has_histogram,
        )


def _restarts(organisation: Organisation, place: int, played: Played) -> Flags:
    service, block = organisation.topology.services[place], played.block
    if not service.restarts_per_day:
        return np.zeros(block.slots, dtype=np.bool_)
    rng = stream(organisation.course.seed_of(block.number), "restarts", service.service_id, block.number)
    return np.asarray(rng.random(block.slots) < service.restarts_per_day / 24 / block.slots_per_hour)


def _spread(rng: np.random.Generator, drawn: IntArray, failed: IntArray) -> IntArray:
    """Which of the requests failed, by latency; shapes (slots, n_bounds) and (slots,)."""
    spread = np.zeros_like(drawn)
    rest, left = drawn.sum(axis=1), failed.copy()
    for bound in range(len(OTEL_BOUNDS_SECONDS)):
        rest = rest - drawn[:, bound]
        spread[:, bound] = rng.hypergeometric(drawn[:, bound], rest, left)
        left = left - spread[:, bound]
    return spread
