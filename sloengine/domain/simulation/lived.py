"""What really happened in a stretch of time, whether telemetry saw it or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sloengine.domain.simulation.blocks import FloatArray, IntArray
from sloengine.domain.simulation.organisation import Organisation
from sloengine.domain.simulation.pairs import LivedPair, PairSums
from sloengine.domain.simulation.percentiles import latency_percentiles
from sloengine.domain.simulation.playing import HOUR, Cut, moment_of, play_range
from sloengine.domain.simulation.tally import Counts, ratio
from sloengine.domain.simulation.topology import SimulatedTopology

PERCENTILES = (0.5, 0.95, 0.99)
_COUNTED = ("requests", "failed_requests", "own_failures", "calls", "failed_calls", "timeouts", "hits")
_SUMMED = (*_COUNTED, "dependency_failures")
_PIECE_CELLS = 20_000_000  # numbers held at once while causes are traced


@dataclass(frozen=True)
class Lived:
    """Sums over the stretch; shape (n_services,) and (n_calls,), as ``Counts`` names them.

    ``dependency_failures``: requests that failed dependencies reached, whether or not the service failed them by
    itself as well; over its requests, what all its dependencies together withhold. ``causes``: per service, its
    failed requests by the component that caused them; where several struck one request, each takes its part.
    ``latency_seconds``: shape (n_services, len(PERCENTILES)), exact, not from buckets; NaN for services that
    nobody asked anything. ``pairs``: of dependencies of one service.
    """

    requests: FloatArray
    failed_requests: FloatArray
    own_failures: FloatArray
    calls: FloatArray
    failed_calls: FloatArray
    timeouts: FloatArray
    hits: FloatArray
    dependency_failures: FloatArray
    causes: Mapping[str, Mapping[str, float]]
    latency_seconds: FloatArray
    pairs: tuple[LivedPair, ...]


def lived(organisation: Organisation, from_hour: int, to_hour: int) -> Lived:
    """What happened in [from_hour, to_hour), hours since 1970."""
    cut = Cut(organisation.parameters, from_hour, to_hour, HOUR)
    topology = organisation.topology
    parts: dict[str, list[FloatArray]] = {name: [] for name in (*_SUMMED, "typical", "load")}
    causes: dict[str, dict[str, float]] = {service.service_id: {} for service in topology.services}
    pairs = PairSums(topology)
    for played in play_range(organisation, cut):
        known = moment_of(organisation, played)
        values = {name: getattr(played.counts, name) for name in _COUNTED}
        values |= {"typical": known.typical_seconds, "load": known.load}
        values["dependency_failures"] = _reached(played.counts)
        for name, value in values.items():
            parts[name].append(cut.within(played.block, value))
        pairs.add(played.counts, slice(*cut.slots_of(played.block)))
        _add_causes(causes, topology, played.counts, range(*cut.slots_of(played.block)))
    whole = {name: np.concatenate(parts[name], axis=1) for name in ("requests", "typical", "load")}
    return Lived(
        **{name: np.sum([part.sum(axis=1) for part in parts[name]], axis=0) for name in _SUMMED},
        causes=causes,
        latency_seconds=latency_percentiles(organisation.parameters, **whole, shares=PERCENTILES),
        pairs=tuple(pairs.pairs()),
    )


def _reached(counts: Counts) -> FloatArray:
    """Requests that failed dependencies reached in each slot, shape (n_services, slots).

    Of the requests that a service did not fail by itself, so many failed; within a slot those that it did fail
    were reached as often. Where it failed every one, nothing is known, and none is counted.
    """
    return counts.requests * ratio(
        counts.failed_requests - counts.own_failures, counts.requests - counts.own_failures
    )


def _add_causes(
    causes: dict[str, dict[str, float]], topology: SimulatedTopology, counts: Counts, slots: range
) -> None:
    n_services = len(topology.services)
    size = max(1, _PIECE_CELLS // (n_services * min(n_services, 200)))
    for first in range(slots.start, slots.stop, size):
        piece = slice(first, min(first + size, slots.stop))
        failing = np.flatnonzero(counts.failed_requests[:, piece].any(axis=0)) + first
        if not failing.size:
            continue
        for service_id, shares in _causes(topology, counts, failing):
            failed = counts.failed_requests[topology.position[service_id], failing]
            sums = causes[service_id]
            for component, share in shares.items():
                sums[component] = sums.get(component, 0.0) + float(share @ failed)


def _causes(
    topology: SimulatedTopology, counts: Counts, slots: IntArray
) -> Iterator[tuple[str, Mapping[str, FloatArray]]]:
    """Of each service, dependencies first: which share of its failed requests each component caused, by slot.

    A timeout is caused by the dependency that was too slow, whatever made it slow.
    """
    known: dict[str, Mapping[str, FloatArray]] = {}
    for service_id in topology.dependencies_first:
        own = counts.own_failures[topology.position[service_id]][slots]
        calls = topology.calls_by_caller.get(service_id, ())
        hits = {place: counts.hits[place][slots] for place, _ in calls}
        struck = own + sum(hits.values(), start=np.zeros(own.shape))
        shares: dict[str, FloatArray] = {service_id: ratio(own, struck)}
        for place, call in calls:
            share = ratio(hits[place], struck)
            late = ratio(counts.timeouts[place][slots], counts.failed_calls[place][slots])
            further = share * (1 - late)
            traced = np.zeros(own.shape)
            if place not in topology.callbacks:
                for component, part in known[call.dependency].items():
                    shares[component] = shares.get(component, 0.0) + further * part
                    traced = traced + further * part
            shares[call.dependency] = shares.get(call.dependency, 0.0) + share - traced
        known[service_id] = shares
        yield service_id, shares
