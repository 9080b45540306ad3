"""The blocks behind a range of hours: played once, cut to the range, summed to a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sloengine.domain.simulation.blocks import BLOCK_HOURS, Block, FloatArray, blocks_of
from sloengine.domain.simulation.faults import base_failure, incident_failure
from sloengine.domain.simulation.moment import Moment, conditions, existing, moment
from sloengine.domain.simulation.parameters import Parameters
from sloengine.domain.simulation.requests import Scene, play
from sloengine.domain.simulation.streams import stream
from sloengine.domain.simulation.tally import Counts
from sloengine.domain.simulation.topology import SimulatedTopology

if TYPE_CHECKING:
    from sloengine.domain.simulation.organisation import Organisation

HOUR = timedelta(hours=1)
_KEPT_BYTES = 64_000_000
_GAP_HOURS = 6  # telemetry goes missing in stretches of this length


@dataclass(frozen=True)
class Played:
    """One block, all arrays of shape (n_services, slots).

    ``incident_failure``, ``intrinsic``: failing shares. ``telemetry``: scraped; ``success_is_nan``: says nonsense.
    """

    block: Block
    counts: Counts
    incident_failure: FloatArray
    intrinsic: FloatArray
    exists: npt.NDArray[np.bool_]
    telemetry: npt.NDArray[np.bool_]
    success_is_nan: npt.NDArray[np.bool_]


class Cut:
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
        first, last = self.slots_of(block)
        return values[:, first:last]

    def slots_of(self, block: Block) -> tuple[int, int]:
        """The first slot of the block that is in the range, and the first that is not any more."""
        first, last = (
            min(block.slots, max(0, hour - block.first_hour) * self.slots_per_hour)
            for hour in (self.from_hour, self.to_hour)
        )
        return first, last

    def summed(self, values: FloatArray) -> FloatArray:
        """Slots summed to steps; NaN where no slot has data."""
        if self.slots_per_step == 1:
            return values
        return sum_known(values.reshape(len(values), -1, self.slots_per_step), axis=2)


def sum_known(values: FloatArray, axis: int) -> FloatArray:
    """Sums over an axis of what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    sums = np.where(known, values, 0.0).sum(axis=axis)
    return np.where(known.any(axis=axis), sums, np.nan)


def play_range(organisation: Organisation, cut: Cut) -> Iterator[Played]:
    """The blocks that the range touches, oldest first; those played last are kept for the next question."""
    recent = organisation.recent
    for block in cut.blocks:
        played = recent.get(block.number)
        if played is None:
            played = recent[block.number] = _played(organisation, block)
            size = played.counts.requests.nbytes * 4 + played.counts.calls.nbytes * 2
            while len(recent) > max(1, _KEPT_BYTES // size):
                recent.pop(next(iter(recent)), None)
        yield played


def moment_of(organisation: Organisation, played: Played) -> Moment:
    """Latency and chances in each slot of a block, at the load that it had."""
    topology, block = organisation.topology, played.block
    given = conditions(
        topology,
        organisation.profiles,
        block.hours,
        played.counts.requests,
        played.intrinsic,
        played.incident_failure,
        block.slots_per_hour,
    )
    return moment(topology, organisation.parameters, organisation.profiles, given)


def _played(organisation: Organisation, block: Block) -> Played:
    """A block as its course of events has it: one in which another future begins is the past until then."""
    seed = organisation.course.pieces(block.number)[-1].seed
    after = _play_block(organisation, block, seed)
    past, fork = organisation.past, organisation.fork
    if past is None or fork is None or not 0 < fork[0] - block.first_hour < BLOCK_HOURS:
        return after
    week = Cut(organisation.parameters, block.first_hour, block.first_hour + BLOCK_HOURS, HOUR)
    return _joined(next(play_range(past, week)), after, (fork[0] - block.first_hour) * block.slots_per_hour)


def _joined(before: Played, after: Played, slot: int) -> Played:
    """The one up to a slot, the other from it on."""

    def both(first: Any, second: Any) -> Any:
        return np.concatenate([first[:, :slot], second[:, slot:]], axis=1)

    counts = {
        name.name: both(*(getattr(one.counts, name.name) for one in (before, after))) for name in fields(Counts)
    }
    arrays = {
        name: both(getattr(before, name), getattr(after, name))
        for name in ("incident_failure", "intrinsic", "exists", "telemetry", "success_is_nan")
    }
    return Played(after.block, Counts(**counts), **arrays)


def _play_block(organisation: Organisation, block: Block, seed: int) -> Played:
    topology, parameters, course = organisation.topology, organisation.parameters, organisation.course
    profiles = [organisation.profiles[service.service_id] for service in topology.services]
    incidents = np.array([incident_failure(profile, parameters, course, block) for profile in profiles])
    base = np.array([base_failure(profile, parameters, course, block) for profile in profiles])
    exists = existing(topology, block.hours)
    intrinsic = 1 - (1 - incidents) * (1 - base)
    return Played(
        block=block,
        counts=play(Scene(topology, parameters, organisation.profiles, seed, block, intrinsic, incidents)),
        incident_failure=incidents,
        intrinsic=intrinsic,
        exists=exists,
        telemetry=exists & ~_stretches(topology, seed, block, "missing"),
        success_is_nan=_stretches(topology, seed, block, "nan"),
    )


def _stretches(topology: SimulatedTopology, seed: int, block: Block, what: str) -> npt.NDArray[np.bool_]:
    """Where telemetry is ``missing``, or says ``nan``: stretches of six hours each, drawn one by one."""
    gap_slots = _GAP_HOURS * block.slots_per_hour
    flags = np.zeros((len(topology.services), block.slots), dtype=np.bool_)
    for place, service in enumerate(topology.services):
        share = service.missing_ratio if what == "missing" else service.nan_ratio
        if share:
            lots = stream(seed, what, service.service_id, block.number).random(block.slots // gap_slots)
            flags[place] = np.repeat(lots < share, gap_slots)
    return flags
