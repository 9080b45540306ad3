"""Counts of a block while it is played, and when it has been."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from sloengine.domain.simulation.blocks import FloatArray, IntArray
from sloengine.domain.simulation.topology import SimulatedTopology


@dataclass(frozen=True)
class Counts:
    """What happened in one block. Shapes: (n_services, slots) and (n_calls, slots).

    ``own_failures``: requests that a service failed by itself, whatever else befell them. ``calls``: attempts that
    were made; ``failed_calls``: those that failed for the caller, ``timeouts`` of them only by being too slow.
    ``hits``: requests of the caller that failures of this dependency reached; a group's hits are shared out among
    its members by how far each was down.
    """

    requests: IntArray
    failed_requests: IntArray
    own_failures: IntArray
    calls: IntArray
    failed_calls: IntArray
    timeouts: IntArray
    hits: FloatArray


@dataclass(frozen=True)
class Tally:
    """Arrays to be filled. ``requests`` are passed on to dependencies; calls that close a cycle stand apart."""

    requests: IntArray
    failed: IntArray
    own_failures: IntArray
    called_back: IntArray
    failed_back: IntArray
    needed: IntArray
    calls: IntArray
    failed_calls: IntArray
    timeouts: IntArray
    hits: FloatArray

    @classmethod
    def empty(cls, topology: SimulatedTopology, slots: int) -> Self:
        """All zeros."""

        def zeros(count: int) -> IntArray:
            return np.zeros((count, slots), dtype=np.int64)

        n_services, n_calls = len(topology.services), len(topology.calls)
        return cls(
            requests=zeros(n_services),
            failed=zeros(n_services),
            own_failures=zeros(n_services),
            called_back=zeros(n_services),
            failed_back=zeros(n_services),
            needed=zeros(n_calls),
            calls=zeros(n_calls),
            failed_calls=zeros(n_calls),
            timeouts=zeros(n_calls),
            hits=np.zeros((n_calls, slots)),
        )

    def counts(self) -> Counts:
        """The sums."""
        return Counts(
            requests=self.requests + self.called_back,
            failed_requests=self.failed + self.failed_back,
            own_failures=self.own_failures + self.failed_back,
            calls=self.calls,
            failed_calls=self.failed_calls,
            timeouts=self.timeouts,
            hits=self.hits,
        )


def ratio(part: IntArray | FloatArray, whole: IntArray | FloatArray) -> FloatArray:
    """Part of the whole; 0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=np.asarray(whole) > 0)
