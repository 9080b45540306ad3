"""Whether two dependencies of one service failed together, counted from what happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sloengine.domain.simulation.tally import Counts, ratio
from sloengine.domain.simulation.topology import SimulatedTopology

MOST_DEPENDENCIES = 100
"""Of one caller; pairs of more are not counted: they grow with the square."""


@dataclass(frozen=True, slots=True)
class LivedPair:
    """Two calls of one caller, by their places in the topology.

    ``first_ratio``, ``second_ratio``: share of the attempts that failed, weighted by the caller's requests of each
    slot; ``both_ratio``: one attempt of each in a slot, both fail. Over slots with attempts of both; NaN without
    any. Within a slot the two are independent of each other: so they are played.
    ``hit_by_both``, ``hit_by_either``: requests of the caller that failures of these dependencies reached; NaN for
    members of one redundancy group, which fail requests together only.
    """

    first: int
    second: int
    first_ratio: float
    second_ratio: float
    both_ratio: float
    hit_by_both: float
    hit_by_either: float


class PairSums:
    """Added up block by block."""

    def __init__(self, topology: SimulatedTopology) -> None:
        self.topology = topology
        self.callers: dict[str, list[int]] = {
            caller: [place for place, _ in calls]
            for caller, calls in topology.calls_by_caller.items()
            if 1 < len(calls) <= MOST_DEPENDENCIES
        }
        self._sums = {caller: np.zeros((5, len(calls), len(calls))) for caller, calls in self.callers.items()}

    def add(self, counts: Counts, slots: slice) -> None:
        """What happened in these slots of a block."""
        for caller, places in self.callers.items():
            requests = counts.requests[self.topology.position[caller], slots].astype(np.float64)
            calls = counts.calls[places, slots]
            failing = ratio(counts.failed_calls[places, slots], calls)
            asked = (calls > 0).astype(np.float64)
            hits = counts.hits[places, slots]
            self._sums[caller] += [
                (asked * requests) @ asked.T,
                (failing * requests) @ asked.T,
                (failing * requests) @ failing.T,
                ratio(hits, np.broadcast_to(requests, hits.shape)) @ hits.T,
                np.broadcast_to(hits.sum(axis=1)[:, None], (len(places), len(places))),
            ]

    def pairs(self) -> Iterator[LivedPair]:
        """Every pair of dependencies of one caller, in the topology's order."""
        for caller, places in self.callers.items():
            weight, alone, both, hit_both, hits = self._sums[caller]
            for one in range(len(places)):
                for other in range(one + 1, len(places)):
                    calls = self.topology.calls[places[one]], self.topology.calls[places[other]]
                    grouped = calls[0].group is not None and calls[0].group == calls[1].group
                    struck = float("nan") if grouped else float(hit_both[one, other])
                    yield LivedPair(
                        places[one],
                        places[other],
                        _over(alone[one, other], weight[one, other]),
                        _over(alone[other, one], weight[one, other]),
                        _over(both[one, other], weight[one, other]),
                        struck,
                        float(hits[one, other] + hits[other, one]) - struck,
                    )


def left_out(topology: SimulatedTopology) -> list[str]:
    """Callers with more dependencies than are counted in pairs."""
    return [caller for caller, calls in topology.calls_by_caller.items() if len(calls) > MOST_DEPENDENCIES]


def _over(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")
