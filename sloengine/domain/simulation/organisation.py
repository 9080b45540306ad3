"""A simulated organisation and its telemetry: a pure function of seed, service and hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel
from sloengine.domain.simulation.blocks import Block, FloatArray, IntArray, blocks_of, time_of
from sloengine.domain.simulation.faults import base_failure, incident_failure
from sloengine.domain.simulation.latency import OTEL_BOUNDS_SECONDS, histogram, typical_seconds
from sloengine.domain.simulation.parameters import Parameters, Profile, draw_profiles
from sloengine.domain.simulation.requests import Counts, play
from sloengine.domain.simulation.streams import stream
from sloengine.domain.simulation.topology import SimulatedTopology

HOUR = timedelta(hours=1)
_KEPT_BYTES = 64_000_000
_GAP_HOURS = 6  # telemetry goes missing in stretches of this length


@dataclass(frozen=True)
class Organisation:
    """Services, how they behave, and a seed. Equal organisations have equal telemetry, whatever was asked before.

    ``profile_seed``: draws the services' own numbers; the same as ``seed`` unless stated. Two organisations that
    differ in ``seed`` only are two histories of the same services.
    """

    topology: SimulatedTopology
    parameters: Parameters = field(default_factory=Parameters)
    seed: int = 0
    profile_seed: int | None = None

    @cached_property
    def profiles(self) -> Mapping[str, Profile]:
        """Each service's own numbers."""
        seed = self.seed if self.profile_seed is None else self.profile_seed
        return draw_profiles(self.topology, self.parameters, seed)

    @cached_property
    def _recent(self) -> dict[int, _Played]:
        """Blocks played last, by number: availability, edges and latency of a range are asked in turn."""
        return {}

    def with_other_history(self, seed: int) -> Organisation:
        """The same services, another course of events."""
        profile_seed = self.seed if self.profile_seed is None else self.profile_seed
        return Organisation(self.topology, self.parameters, seed, profile_seed)


@dataclass(frozen=True)
class _Played:
    block: Block
    counts: Counts
    incident_failure: FloatArray
    exists: npt.NDArray[np.bool_]
    telemetry: npt.NDArray[np.bool_]


def availability(organisation: Organisation, from_hour: int, to_hour: int, step: timedelta = HOUR) -> SliPanel:
    """Good and valid requests of the monitored services in [from_hour, to_hour), hours since 1970.

    ``step`` is a multiple of the organisation's slot and divides the range. NaN: no telemetry.
    """
    cut = _Cut(organisation.parameters, from_hour, to_hour, step)
    services = organisation.topology.services
    good, total = [], []
    for played in _play(organisation, cut):
        requests: FloatArray = np.where(played.telemetry, played.counts.requests, np.nan)
        served: FloatArray = requests - played.counts.failed_requests
        served[[service.success_always_zero for service in services]] *= 0
        good.append(cut.within(played.block, served))
        total.append(cut.within(played.block, requests))
    monitored = [place for place, service in enumerate(services) if service.monitored]
    return SliPanel(
        service_ids=tuple(services[place].service_id for place in monitored),
        start_at=time_of(from_hour),
        step=step,
        good=cut.summed(np.concatenate(good, axis=1)[monitored]),
        total=cut.summed(np.concatenate(total, axis=1)[monitored]),
    )


def edges(organisation: Organisation, from_hour: int, to_hour: int, step: timedelta = HOUR) -> EdgePanel:
    """Calls and failed calls as callers see them. NaN: the caller has no telemetry, or an end does not exist."""
    cut = _Cut(organisation.parameters, from_hour, to_hour, step)
    topology = organisation.topology
    callers = [topology.position[call.caller] for call in topology.calls]
    dependencies = [topology.position[call.dependency] for call in topology.calls]
    calls, failed = [], []
    for played in _play(organisation, cut):
        known = played.telemetry[callers] & played.exists[dependencies]
        calls.append(cut.within(played.block, np.where(known, played.counts.calls, np.nan)))
        failed.append(cut.within(played.block, np.where(known, played.counts.failed_calls, np.nan)))
    return EdgePanel(
        pairs=tuple((call.caller, call.dependency) for call in topology.calls),
        start_at=time_of(from_hour),
        step=step,
        calls=cut.summed(np.concatenate(calls, axis=1)),
        failed=cut.summed(np.concatenate(failed, axis=1)),
    )


def latency_hours(
    organisation: Organisation, from_hour: int, to_hour: int, service_ids: Sequence[str] | None = None
) -> dict[str, LatencyHistory]:
    """Latency histograms of the monitored services, rows are hours; ``start_at`` is an hour.

    ``service_ids``: of these only.
    """
    cut = _Cut(organisation.parameters, from_hour, to_hour, HOUR)
    topology, parameters = organisation.topology, organisation.parameters
    wanted = [
        (place, service.service_id)
        for place, service in enumerate(topology.services)
        if service.monitored and (service_ids is None or service.service_id in service_ids)
    ]
    counts: dict[str, list[FloatArray]] = {service_id: [] for _, service_id in wanted}
    for played in _play(organisation, cut):
        requests = played.counts.requests
        typical, load = typical_seconds(
            topology,
            parameters,
            organisation.profiles,
            requests,
            played.incident_failure,
            played.block.slots_per_hour,
        )
        for place, service_id in wanted:
            drawn: IntArray = histogram(
                service_id,
                parameters,
                organisation.seed,
                played.block,
                requests[place],
                typical[place],
                load[place],
            )
            known = np.where(played.telemetry[place][:, None], drawn, np.nan)
            counts[service_id].append(cut.within(played.block, known.T))
    return {
        service_id: LatencyHistory(
            service_id=service_id,
            start_at=time_of(from_hour),
            bounds_seconds=OTEL_BOUNDS_SECONDS,
            counts=cut.summed(np.concatenate(parts, axis=1)).T,
        )
        for service_id, parts in counts.items()
    }


def latency_days(organisation: Organisation, from_hour: int, to_hour: int) -> dict[str, LatencyHistory]:
    """Daily latency histograms of the monitored services; a first or last day counts as far as the range goes."""
    lead, days = from_hour % 24, -(-to_hour // 24) - from_hour // 24
    histories = {}
    for service_id, hourly in latency_hours(organisation, from_hour, to_hour).items():
        padded = np.full((days * 24, hourly.counts.shape[1]), np.nan)
        padded[lead : lead + hourly.counts.shape[0]] = hourly.counts
        counts = _sum_known(padded.reshape(days, 24, -1), axis=1)
        histories[service_id] = LatencyHistory(
            service_id, time_of(from_hour - lead), hourly.bounds_seconds, counts
        )
    return histories


class _Cut:
    """A range of hours, cut out of blocks and summed to a step."""

    def __init__(self, parameters: Parameters, from_hour: int, to_hour: int, step: timedelta) -> None:
        self.slots_per_hour = parameters.slots_per_hour
        self.blocks = blocks_of(from_hour, to_hour, self.slots_per_hour)
        self.from_hour, self.to_hour = from_hour, to_hour
        slot = HOUR / self.slots_per_hour
        self.slots_per_step = step // slot
        if step % slot or self.slots_per_step < 1 or timedelta(hours=to_hour - from_hour) % step:
            raise ValueError(f"the step must be a multiple of {slot} and divide the range, is {step}")

    def within(self, block: Block, values: FloatArray) -> FloatArray:
        """The slots (last axis) of the block that are in the range."""
        first = max(0, self.from_hour - block.first_hour) * self.slots_per_hour
        last = max(0, self.to_hour - block.first_hour) * self.slots_per_hour
        return values[:, first:last]

    def summed(self, values: FloatArray) -> FloatArray:
        """Slots summed to steps; NaN where no slot has data."""
        if self.slots_per_step == 1:
            return values
        return _sum_known(values.reshape(len(values), -1, self.slots_per_step), axis=2)


def _sum_known(values: FloatArray, axis: int) -> FloatArray:
    known = ~np.isnan(values)
    sums = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(known.any(axis=axis), sums, np.nan)


def _play(organisation: Organisation, cut: _Cut) -> Iterator[_Played]:
    recent = organisation._recent
    for block in cut.blocks:
        played = recent.get(block.number)
        if played is None:
            played = recent[block.number] = _play_block(organisation, block)
            size = played.counts.requests.nbytes * 4 + played.counts.calls.nbytes * 2
            while len(recent) > max(1, _KEPT_BYTES // size):
                recent.pop(next(iter(recent)), None)
        yield played


def _play_block(organisation: Organisation, block: Block) -> _Played:
    topology, parameters, seed = organisation.topology, organisation.parameters, organisation.seed
    profiles = [organisation.profiles[service.service_id] for service in topology.services]
    incidents = np.array([incident_failure(profile, parameters, seed, block) for profile in profiles])
    base = np.array([base_failure(profile, parameters, seed, block) for profile in profiles])
    born = np.array(
        [-np.inf if service.born_at_hour is None else service.born_at_hour for service in topology.services]
    )
    exists = block.hours[None, :] >= born[:, None]
    return _Played(
        block=block,
        counts=play(topology, parameters, seed, block, 1 - (1 - incidents) * (1 - base)),
        incident_failure=incidents,
        exists=exists,
        telemetry=exists & ~_missing(topology, seed, block),
    )


def _missing(topology: SimulatedTopology, seed: int, block: Block) -> npt.NDArray[np.bool_]:
    gap_slots = _GAP_HOURS * block.slots_per_hour
    missing = np.zeros((len(topology.services), block.slots), dtype=np.bool_)
    for place, service in enumerate(topology.services):
        if service.missing_ratio:
            lots = stream(seed, "missing", service.service_id, block.number).random(block.slots // gap_slots)
            missing[place] = np.repeat(lots < service.missing_ratio, gap_slots)
    return missing
