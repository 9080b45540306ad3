"""How long requests take: queues under load, and everything slow together under faults."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import ndtr

from sloengine.domain.simulation.blocks import Block, FloatArray, IntArray
from sloengine.domain.simulation.parameters import Parameters
from sloengine.domain.simulation.streams import stream
from sloengine.domain.simulation.topology import SimulatedTopology

# Advised bounds of http.server.request.duration, in seconds.
# https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
OTEL_BOUNDS_SECONDS: FloatArray = np.array(
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, np.inf]
)
FULLEST = 0.95  # utilisation at which requests are turned away rather than queued longer


def mean_requests_per_hour(topology: SimulatedTopology) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """Requests of each service in the mean hour: all it sees, and those it passes on (all but callbacks)."""
    passed_on = {service.service_id: service.arrivals_per_hour for service in topology.services}
    seen = dict(passed_on)
    for service_id in reversed(topology.dependencies_first):
        for place, call in topology.calls_by_caller.get(service_id, ()):
            made = passed_on[service_id] * topology.calls_per_request(call)
            seen[call.dependency] += made
            if place not in topology.callbacks:
                passed_on[call.dependency] += made
    return seen, passed_on


def histogram(
    service_id: str,
    parameters: Parameters,
    seed: int,
    block: Block,
    requests: IntArray,
    typical: FloatArray,
    load: FloatArray,
) -> IntArray:
    """Requests of one service by latency, shape (slots, n_bounds), not cumulative.

    ``requests``, ``typical`` and ``load``: shape (slots,).
    """
    below = cumulative_share(parameters, typical, load)
    shares = np.clip(np.diff(below, axis=1, prepend=0.0), 0.0, 1.0)
    shares /= shares.sum(axis=1, keepdims=True)
    return stream(seed, "latency", service_id, block.number).multinomial(requests, shares)


def cumulative_share(parameters: Parameters, typical: FloatArray, load: FloatArray) -> FloatArray:
    """Share of requests within each of ``OTEL_BOUNDS_SECONDS``, shape (slots, n_bounds)."""
    return share_within(parameters, typical[:, None], load[:, None], OTEL_BOUNDS_SECONDS[None, :])


def share_within(
    parameters: Parameters, typical: FloatArray, load: FloatArray, seconds: FloatArray | float
) -> FloatArray:
    """Share of requests that take no longer; the arguments broadcast.

    Most requests are lognormal around the typical latency; a slow few wait an exponential time besides, the
    longer, the fuller the service is.
    """
    relative = seconds / typical
    usual = ndtr(np.log(relative) / parameters.latency_request_spread)
    slow = 1 - np.exp(-np.maximum(relative - 1, 0.0) / _waiting(load))
    share = (1 - parameters.slow_share) * usual + parameters.slow_share * slow
    return np.asarray(share, dtype=np.float64)


def mean_seconds(parameters: Parameters, typical: FloatArray, load: FloatArray) -> FloatArray:
    """Mean latency of that distribution."""
    usual = np.exp(parameters.latency_request_spread**2 / 2)
    share = parameters.slow_share
    return np.asarray(typical * ((1 - share) * usual + share * (1 + _waiting(load))), dtype=np.float64)


def _waiting(load: FloatArray) -> FloatArray:
    """Mean waiting time of the slow few, in typical latencies; as in an M/M/1 queue, ~ 1 / (1 - load)."""
    return 2.0 / (1 - load)
