"""Failures that several services share although no edge says so: second names, and replicas that fall together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta

import numpy as np

from sloengine.domain.topology.failed_calls import FloatArray, ObservedTraffic

#: Share of a replica's failures that strike all replicas, where there are no joint data.
DEFAULT_COMMON_CAUSE = 0.1
#: Two names of one thing: their failures per interval correlate above this, in at least so many intervals.
ALIAS_CORRELATION, ALIAS_WINDOWS = 0.9, 3
#: ... and so do their logarithms: one incident of a zone makes any two services in it correlate, two names of one
#: thing also fail together when little fails.
_ALIAS_LOG_CORRELATION = 0.8
#: Products of many rows at once differ in the last digits from those of a few.
_ROUNDING = 1e-9
_COMPARED_AT_ONCE = 512
#: Joint data: every member was seen together for this long, and failed on more than one day.
_JOINT_DAYS, _FAILED_DAYS, _FAILED_CALLS = 7.0, 2, 20.0


def find_aliases(traffic: ObservedTraffic, among: Collection[int] | None = None) -> tuple[tuple[int, int], ...]:
    """Pairs of services that fail at the same times and are called by the same caller: two names of one thing.

    Left out are services that call each other or share a failing dependency, which explains the same, and members
    of one redundancy group, whose common failures are the group's matter. Pairs in ascending order, with ``among``
    only those of these services.
    """
    failing = traffic.bad.sum(axis=1) > 0.0
    below: dict[int, set[int]] = {}
    groups: dict[int, dict[int, str]] = {}
    for place, (caller, dependency) in enumerate(
        zip(traffic.callers.tolist(), traffic.dependencies.tolist(), strict=True)
    ):
        if failing[dependency]:
            below.setdefault(caller, set()).add(dependency)
            group = traffic.edges[place].redundancy_group
            if group is not None:
                groups.setdefault(caller, {})[dependency] = group
    for name, dependency, group in _called_by_others(traffic):
        if failing[dependency]:
            below.setdefault(name, set()).add(dependency)
            if group is not None:
                groups.setdefault(name, {})[dependency] = group
    looked_at = np.arange(len(failing)) if among is None else np.array(sorted(among), np.int64)
    unit = _unit(traffic.bad[looked_at])
    place_of = {service: place for place, service in enumerate(looked_at.tolist())}
    suspects = _suspects(unit, looked_at.tolist())
    found: set[tuple[int, int]] = set()
    refuted: set[tuple[int, int]] = set()
    for caller, siblings in below.items():
        rows = sorted(siblings.intersection(place_of))
        if len(rows) < 2 or suspects.isdisjoint(rows):
            continue
        named = groups.get(caller, {})
        for first, second in _correlated(traffic, rows, unit[[place_of[row] for row in rows]]):
            if named.get(first) is not None and named.get(first) == named.get(second):
                refuted.add((first, second))
            elif not _explained(first, second, below):
                found.add((first, second))
    return tuple(sorted(found - refuted))


def _called_by_others(traffic: ObservedTraffic) -> Iterator[tuple[int, int, str | None]]:
    """Calls of callers that the graph lacks: the caller as a number below 0, the service called, and the group."""
    if traffic.others is not None:
        numbers: dict[str, int] = {}
        for edge in traffic.others.edges:
            number = numbers.setdefault(edge.caller, -1 - len(numbers))
            yield number, traffic.graph.index[edge.dependency], edge.redundancy_group


def _suspects(unit: FloatArray, services: Sequence[int]) -> set[int]:
    """Services that fail like another one, whoever calls them; a few at the edge of it may be too many.

    Of many services, all of them: what they have in common is then looked at caller by caller only.
    """
    if len(services) > _COMPARED_AT_ONCE:
        return set(services)
    alike = unit @ unit.T > ALIAS_CORRELATION - _ROUNDING
    np.fill_diagonal(alike, val=False)
    return {services[place] for place in np.flatnonzero(alike.any(axis=0)).tolist()}


def _correlated(traffic: ObservedTraffic, rows: Sequence[int], unit: FloatArray) -> list[tuple[int, int]]:
    """Pairs of these services, ascending, that fail alike; ``unit``: their failures, centred and of length one."""
    alike = unit @ unit.T > ALIAS_CORRELATION
    if np.count_nonzero(alike) <= len(rows):
        return []  # nobody but each with itself
    pairs = []
    for left, right in np.argwhere(np.triu(alike, 1)).tolist():
        pair = [rows[left], rows[right]]
        series = traffic.bad[pair]
        both = ((series > 0.0) & traffic.has_data[pair]).all(axis=0)
        if int(both.sum()) < ALIAS_WINDOWS:
            continue
        first, second = _unit(np.log1p(series))
        if float(first @ second) > _ALIAS_LOG_CORRELATION:
            pairs.append((pair[0], pair[1]))
    return pairs


def _unit(series: FloatArray) -> FloatArray:
    """Each row centred and of length one, in place; products of two rows are their correlation."""
    series -= series.mean(axis=1, keepdims=True)
    norms = np.sqrt(np.einsum("ij,ij->i", series, series))
    series /= np.where(norms > 0.0, norms, 1.0)[:, None]
    return series


def _explained(first: int, second: int, below: dict[int, set[int]]) -> bool:
    of_first, of_second = below.get(first, set()), below.get(second, set())
    return second in of_first or first in of_second or bool(of_first & of_second)


def has_joint_data(traffic: ObservedTraffic, members: Sequence[int]) -> bool:
    """Whether these services were seen together, failing, for long enough to learn how they fail together."""
    rows = list(members)
    together = traffic.has_data[rows].all(axis=0) & (traffic.total[rows] > 0.0).all(axis=0)
    per_day = timedelta(days=1) / traffic.step
    if together.sum() / per_day < _JOINT_DAYS:
        return False
    bad = np.where(together, traffic.bad[rows], 0.0)
    day = (np.arange(bad.shape[1]) / per_day).astype(np.int64)
    return all(row.sum() >= _FAILED_CALLS and len(np.unique(day[row > 0.0])) >= _FAILED_DAYS for row in bad)


def joint_failure_ratio(own: Sequence[FloatArray], intrinsic: Sequence[float]) -> float:
    """How often all fail together: mean over intervals of Π of their failure ratios.

    Within an interval failures may coincide further, so this is the least that joint data allow.

    Parameters:
        own: shape of each member's own failure, interval by interval, in any unit.
        intrinsic: each member's own unavailability, which the shape's mean is scaled to.
    """
    product: FloatArray = np.ones_like(own[0])
    for series, level in zip(own, intrinsic, strict=True):
        mean = float(series.mean())
        product = product * (np.minimum(1.0, series * (level / mean)) if mean > 0.0 else level)
    return float(product.mean())


def common_cause(intrinsic: Sequence[float], joint: float | None) -> tuple[float, float]:
    """Unavailability of what strikes all members at once, and the share β of the least failing member's it is.

    ``joint``: how often all members fail together, by joint data: the common cause makes up what independence
    leaves unexplained, J = c + (1 − c)·Π(residual). None: β is 10 %. ``intrinsic``: the members' own
    unavailability.
    """
    least = min(intrinsic)
    if least <= 0.0:
        return 0.0, 0.0
    if joint is None:
        return DEFAULT_COMMON_CAUSE * least, DEFAULT_COMMON_CAUSE

    def together(cause: float) -> float:
        residual = float(np.prod([1.0 - (1.0 - own) / (1.0 - cause) for own in intrinsic]))
        return cause + (1.0 - cause) * residual

    if joint <= together(0.0):
        return 0.0, 0.0
    limit = least * (1.0 - 1e-9)
    if joint >= together(limit):
        return least, 1.0
    # Imported here, because scipy.optimize takes an eighth of the engine's start and few graphs get this far.
    from scipy.optimize import brentq  # noqa: PLC0415

    cause = float(brentq(lambda value: together(value) - joint, 0.0, limit, xtol=1e-15, rtol=1e-12))
    return cause, cause / least
