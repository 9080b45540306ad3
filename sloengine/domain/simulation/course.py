"""Courses of events: which random numbers play when, and how what is under way goes on in another future."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from sloengine.domain.simulation.blocks import BLOCK_HOURS
from sloengine.domain.simulation.parameters import Parameters
from sloengine.domain.simulation.streams import stream

BLOCKS_BACK = 2  # an incident lasts at most this many blocks
MAX_INCIDENT_HOURS = float(BLOCKS_BACK * BLOCK_HOURS)
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Incident:
    """``severity``: share of the requests that fail between ``starts_at_hour`` and ``ends_at_hour``."""

    starts_at_hour: float
    ends_at_hour: float
    severity: float


@dataclass(frozen=True, slots=True)
class Course:
    """``fork``: block from which on another seed plays, and that seed; None: one seed plays all of it."""

    seed: int
    fork: tuple[int, int] | None = None

    def seed_of(self, block: int) -> int:
        """The seed that plays this block."""
        return self.seed if self.fork is None or block < self.fork[0] else self.fork[1]

    def going_on(self, incidents: Sequence[Incident], place: str, parameters: Parameters) -> list[Incident]:
        """These incidents of one place; those under way at the fork end when the other future has them end.

        That they have lasted until then is known, so the length is drawn given that.
        """
        if self.fork is None:
            return list(incidents)
        number, seed = self.fork
        turn = float(number * BLOCK_HOURS)
        return [
            _prolonged(one, turn, place, seed, parameters) if one.starts_at_hour < turn < one.ends_at_hour else one
            for one in incidents
        ]


def _prolonged(incident: Incident, turn: float, place: str, seed: int, parameters: Parameters) -> Incident:
    length = _longer_than(turn - incident.starts_at_hour, place, seed, parameters)
    return replace(incident, ends_at_hour=incident.starts_at_hour + length)


def _longer_than(hours: float, place: str, seed: int, parameters: Parameters) -> float:
    """A length drawn from those of incidents that have already lasted so many hours."""
    lot = float(stream(seed, "goes on", place, repr(hours)).random())
    median, spread = parameters.length_median_hours, parameters.length_spread
    if spread == 0:
        return max(hours, median)
    shorter = _NORMAL.cdf(float(np.log(max(hours, 1e-12) / median)) / spread)
    level = min(shorter + lot * (1 - shorter), 1 - 1e-12)
    length = median * float(np.exp(spread * _NORMAL.inv_cdf(max(level, 1e-300))))
    return min(max(length, hours), MAX_INCIDENT_HOURS)
