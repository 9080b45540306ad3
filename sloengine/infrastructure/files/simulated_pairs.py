"""The part of ``truth.json`` about dependencies that fail together."""

from __future__ import annotations

import math
from typing import Any

from sloengine.domain.simulation.lived import Lived
from sloengine.domain.simulation.pairs import MOST_DEPENDENCIES, LivedPair, left_out
from sloengine.domain.simulation.topology import SimulatedTopology


def pair_shapes(topology: SimulatedTopology, happened: Lived) -> dict[str, Any]:
    """Every pair of dependencies of one caller, as it was in the history, and callers that are left out."""
    return {
        "pairs": [_pair(topology, pair) for pair in happened.pairs],
        "pairsLeftOut": [
            {"caller": caller, "reason": f"more than {MOST_DEPENDENCIES} dependencies"}
            for caller in left_out(topology)
        ],
    }


def _pair(topology: SimulatedTopology, pair: LivedPair) -> dict[str, Any]:
    first, second = topology.calls[pair.first], topology.calls[pair.second]
    history: dict[str, Any] = {
        "failRatios": [_known(pair.first_ratio), _known(pair.second_ratio)],
        "productRatio": _known(pair.first_ratio * pair.second_ratio),
        "bothFailRatio": _known(pair.both_ratio),
        "hitByBothRequests": _known(pair.hit_by_both, 3),
        "hitByEitherRequests": _known(pair.hit_by_either, 3),
    }
    if math.isnan(pair.both_ratio):
        history["reason"] = "never called in the same slot"
    elif math.isnan(pair.hit_by_both):
        history["reason"] = "members of one redundancy group fail a request together only: no hits of one alone"
    return {"caller": first.caller, "dependencies": [first.dependency, second.dependency], "history": history}


def _known(value: float, digits: int | None = None) -> float | None:
    if math.isnan(value):
        return None
    return value if digits is None else round(value, digits)
