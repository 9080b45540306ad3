"""Courses of events: which random numbers play when, and how what is under way goes on in another future."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np

from sloengine.domain.simulation.blocks import BLOCK_HOURS
from sloengine.domain.simulation.parameters import Parameters, Profile
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
class Piece:
    """What begins in [``from_hour``, ``to_hour``) of a block, played by one seed. ``is_past``: before a fork."""

    seed: int
    from_hour: float = -math.inf
    to_hour: float = math.inf
    is_past: bool = False

    def has(self, hour: float) -> bool:
        """Whether what begins then is in it."""
        return self.from_hour <= hour < self.to_hour


@dataclass(frozen=True, slots=True)
class Course:
    """``fork``: hour from which on another seed plays, and that seed; None: one seed plays all of it.

    ``past``: services as they were in the course that this one leaves; what happened before the fork is theirs,
    whatever is deployed after it.
    """

    seed: int
    fork: tuple[int, int] | None = None
    past: Mapping[str, Profile] = field(default_factory=dict)

    def pieces(self, block: int) -> tuple[Piece, ...]:
        """The seeds that play this block, one after the other."""
        if self.fork is None:
            return (Piece(self.seed),)
        hour, seed = self.fork
        before, after = Piece(self.seed, to_hour=float(hour), is_past=True), Piece(seed, from_hour=float(hour))
        if hour <= block * BLOCK_HOURS:
            return (after,)
        return (before,) if hour >= (block + 1) * BLOCK_HOURS else (before, after)

    def seed_of(self, block: int) -> int:
        """The one seed that plays this block. Raises: ValueError, where the fork lies inside it."""
        pieces = self.pieces(block)
        if len(pieces) > 1:
            raise ValueError("a week in which another future begins is played by two seeds")
        return pieces[0].seed

    def as_then(self, profile: Profile, piece: Piece) -> Profile:
        """The service as it was where the piece is of the past, else as it is."""
        return self.past.get(profile.service_id, profile) if piece.is_past else profile

    def going_on(self, incidents: Sequence[Incident], place: str, parameters: Parameters) -> list[Incident]:
        """These incidents of one place; those under way at the fork end when the other future has them end.

        That they have lasted until then is known, so the length is drawn given that.
        """
        if self.fork is None:
            return list(incidents)
        turn, seed = float(self.fork[0]), self.fork[1]
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
