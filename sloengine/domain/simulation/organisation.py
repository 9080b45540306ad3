"""A simulated organisation and its telemetry: a pure function of seed, service and hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property

import numpy as np

from sloengine.domain.reliability.panel import EdgePanel, LatencyHistory, SliPanel
from sloengine.domain.simulation.blocks import FloatArray, IntArray, time_of
from sloengine.domain.simulation.course import Course
from sloengine.domain.simulation.latency import OTEL_BOUNDS_SECONDS, histogram
from sloengine.domain.simulation.parameters import Parameters, Profile, draw_profiles
from sloengine.domain.simulation.playing import HOUR, Cut, Played, moment_of, play_range, sum_known
from sloengine.domain.simulation.topology import SimulatedTopology


@dataclass(frozen=True)
class Organisation:
    """Services, how they behave, and a seed. Equal organisations have equal telemetry, whatever was asked before.

    ``profile_seed``: draws the services' own numbers; the same as ``seed`` unless stated. Two organisations that
    differ in ``seed`` only are two histories of the same services.
    ``fork``: hour from which on another seed plays; what came before it stays as in ``past``, and goes on into it.
    """

    topology: SimulatedTopology
    parameters: Parameters = field(default_factory=Parameters)
    seed: int = 0
    profile_seed: int | None = None
    fork: tuple[int, int] | None = None
    past: Organisation | None = None

    @cached_property
    def profiles(self) -> Mapping[str, Profile]:
        """Each service's own numbers."""
        seed = self.seed if self.profile_seed is None else self.profile_seed
        return draw_profiles(self.topology, self.parameters, seed)

    @cached_property
    def recent(self) -> dict[int, Played]:
        """Blocks played last, by number: availability, edges and latency of a range are asked in turn."""
        return {}

    def with_other_history(self, seed: int) -> Organisation:
        """The same services, another course of events."""
        profile_seed = self.seed if self.profile_seed is None else self.profile_seed
        return Organisation(self.topology, self.parameters, seed, profile_seed)

    def with_other_future(self, from_hour: int, seed: int, topology: SimulatedTopology) -> Organisation:
        """The same past, another course of events from there on; incidents under way then go on, however long.

        ``topology``: this one, or one that differs in what comes after. Of a week into which ``from_hour`` falls,
        requests and failures are known, not histograms and exporters. Raises: ValueError, of another future.
        """
        if self.past is not None:
            raise ValueError("of another future there is no other future")
        profile_seed = self.seed if self.profile_seed is None else self.profile_seed
        return replace(self, topology=topology, profile_seed=profile_seed, fork=(from_hour, seed), past=self)

    @property
    def course(self) -> Course:
        """Which random numbers play when."""
        return Course(self.seed, self.fork, {} if self.past is None else self.past.profiles)


def availability(organisation: Organisation, from_hour: int, to_hour: int, step: timedelta = HOUR) -> SliPanel:
    """Good and valid requests of the monitored services in [from_hour, to_hour), hours since 1970.

    ``step`` is a multiple of the organisation's slot and divides the range. NaN: no telemetry, or an exporter that
    says NaN for success.
    """
    cut = Cut(organisation.parameters, from_hour, to_hour, step)
    services = organisation.topology.services
    good, total = [], []
    for played in play_range(organisation, cut):
        requests: FloatArray = np.where(played.telemetry, played.counts.requests, np.nan)
        served: FloatArray = np.where(played.success_is_nan, np.nan, requests - played.counts.failed_requests)
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
    cut = Cut(organisation.parameters, from_hour, to_hour, step)
    topology = organisation.topology
    callers = [topology.position[call.caller] for call in topology.calls]
    dependencies = [topology.position[call.dependency] for call in topology.calls]
    calls, failed = [], []
    for played in play_range(organisation, cut):
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
    cut = Cut(organisation.parameters, from_hour, to_hour, HOUR)
    wanted = [
        place
        for place, service in enumerate(organisation.topology.services)
        if service.monitored
        and service.has_histogram
        and (service_ids is None or service.service_id in service_ids)
    ]
    counts: dict[str, list[FloatArray]] = {
        organisation.topology.services[place].service_id: [] for place in wanted
    }
    for played in play_range(organisation, cut):
        for place, drawn in latency_draws(organisation, played, wanted):
            known = np.where(played.telemetry[place][:, None], drawn, np.nan)
            service_id = organisation.topology.services[place].service_id
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


def latency_draws(
    organisation: Organisation, played: Played, places: Sequence[int]
) -> Iterator[tuple[int, IntArray]]:
    """Requests by latency of the services at these places, shape (slots, n_bounds) each, whether seen or not."""
    known = moment_of(organisation, played)
    for place in places:
        yield (
            place,
            histogram(
                organisation.topology.services[place].service_id,
                organisation.parameters,
                organisation.course.seed_of(played.block.number),
                played.block,
                played.counts.requests[place],
                known.typical_seconds[place],
                known.load[place],
            ),
        )


def latency_days(organisation: Organisation, from_hour: int, to_hour: int) -> dict[str, LatencyHistory]:
    """Daily latency histograms of the monitored services; a first or last day counts as far as the range goes."""
    lead, days = from_hour % 24, -(-to_hour // 24) - from_hour // 24
    histories = {}
    for service_id, hourly in latency_hours(organisation, from_hour, to_hour).items():
        padded = np.full((days * 24, hourly.counts.shape[1]), np.nan)
        padded[lead : lead + hourly.counts.shape[0]] = hourly.counts
        counts = sum_known(padded.reshape(days, 24, -1), axis=1)
        histories[service_id] = LatencyHistory(
            service_id, time_of(from_hour - lead), hourly.bounds_seconds, counts
        )
    return histories
