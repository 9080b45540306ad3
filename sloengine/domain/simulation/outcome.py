"""What becomes of one call, and of a request that makes several: chances, given the moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sloengine.domain.simulation.blocks import FloatArray
from sloengine.domain.simulation.topology import SimulatedCall


@dataclass(frozen=True)
class CallChances:
    """Of a call that is made, shape (slots,) each.

    ``attempt``: an attempt fails. ``server``: it fails at the dependency. ``call``: all attempts fail.
    ``attempts``: mean number of them.
    """

    attempt: FloatArray
    server: FloatArray
    call: FloatArray
    attempts: FloatArray


def call_chances(call: SimulatedCall, server: FloatArray, slow: FloatArray | float = 0.0) -> CallChances:
    """``server``: share of the dependency's requests that fail. ``slow``: share that outlast the timeout.

    With failing attempts a = 1 - (1 - server)(1 - slow), k attempts and sticky share s, a call fails with
    a (s + (1 - s) a^(k-1)) and takes 1 + a (s (k-1) + (1 - s) (1 + a + ... + a^(k-2))) attempts.

    >>> chances = call_chances(SimulatedCall("a", "b", attempts=3), np.array([0.1]))
    >>> chances.call.round(6), chances.attempts.round(6)
    (array([0.001]), array([1.11]))
    """
    attempt = 1 - (1 - server) * (1 - slow)
    more = call.attempts - 1
    sticky = call.sticky_ratio
    loose = sum((attempt**tried for tried in range(more)), start=np.zeros_like(attempt))
    return CallChances(
        attempt=attempt,
        server=server,
        call=attempt if more == 0 else attempt * (sticky + (1 - sticky) * attempt**more),
        attempts=1 + attempt * (sticky * more + (1 - sticky) * loose),
    )


def unhurt(call: SimulatedCall, call_fails: FloatArray) -> FloatArray:
    """Share of the caller's requests that their calls of this dependency leave whole.

    Whole calls, and one more in some requests; each is answered by the cache, served, or fails.
    """
    reached = call.pass_through * (1 - call.cache_hit_ratio) * call_fails
    whole, part = divmod(call.calls_per_request, 1.0)
    return np.asarray((1 - reached) ** whole * (1 - part * reached), dtype=np.float64)


def unhurt_by_group(first: SimulatedCall, up: FloatArray) -> FloatArray:
    """The same for a group of alternatives; ``up``: shape (n_members, slots)."""
    return unhurt(first, fewer_than(first.required, up))


def fewer_than(required: int, up: FloatArray) -> FloatArray:
    """Probability that fewer than ``required`` of independent members are up; ``up``: shape (n_members, slots)."""
    count = np.zeros((len(up) + 1, *up.shape[1:]))  # probability of each number of members up
    count[0] = 1.0
    for member in up:
        count[1:] = count[1:] * (1 - member) + count[:-1] * member
        count[0] *= 1 - member
    return np.asarray(np.clip(count[:required].sum(axis=0), 0.0, 1.0), dtype=np.float64)
