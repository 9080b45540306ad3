"""A service's own failures, told apart from those it inherits.

From sums, cut once at the end: intrinsic = 1 − (1 − e) / (1 − inherited), never interval by interval with a cut at
0, which inflates it. Inherited failure is composed over the *set* of what lies below, so that a dependency reached
by several paths is taken off once. Sums are kept as hazards h = −ln(1 − u), which add up where probabilities
multiply.

The probability that a component far below reaches a caller is φ = 1 − Π(1 − p·φ of the next): several first steps
that lead to it are taken as independent, which lies between the most likely path and the sum over paths.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sloengine.domain.topology.common_cause import common_cause, has_joint_data, joint_failure_ratio
from sloengine.domain.topology.failed_calls import FloatArray, ObservedTraffic
from sloengine.domain.topology.reach_rows import ReachRow, ReachRows
from sloengine.domain.topology.system import Contracted, Group

#: Hazard that stands for certain failure.
CERTAIN_HAZARD = 27.0
# In a cycle the interval's worst member is what the cycle showed; this many requests keep a single failure of a
# nearly idle member from counting as an outage.
_QUIET_REQUESTS = 10.0
_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class Intrinsic:
    """Own and inherited failure of every component of a contracted graph.

    ``own_hazard``: shape (n_components,). ``group_hazard``: what redundancy groups of a component add beyond
    single failures. ``reach``: by component, the probability that each other's failure alone fails it.
    ``service_hazard``: ``own_hazard`` split over the services of a cycle. ``causes``: per component
    and group, unavailability of the members' common cause. ``assumed_causes``: callers whose groups lack joint
    data.
    """

    own_hazard: FloatArray
    group_hazard: FloatArray
    reach: ReachRows
    service_hazard: FloatArray
    causes: list[list[float]]
    assumed_causes: frozenset[int]


def hazard(unavailability: float) -> float:
    """−ln(1 − u), bounded."""
    return min(CERTAIN_HAZARD, -float(np.log1p(-min(unavailability, 1.0 - 1e-12))))


def component_members(contracted: Contracted) -> list[list[int]]:
    """Services of each component."""
    members: list[list[int]] = [[] for _ in contracted.calls]
    for service, component in enumerate(contracted.labels):
        members[component].append(service)
    return members


def learn_intrinsic(
    traffic: ObservedTraffic,
    contracted: Contracted,
    unavailability: FloatArray,
    members: Sequence[Sequence[int]],
    only: Collection[int] | None = None,
) -> Intrinsic:
    """Separate own from inherited failure, dependencies first.

    ``unavailability``: what each service showed, shape (n_services,); NaN: not known, own failure then counts as
    0. Work and memory go with the pairs of components of which one lies below the other. ``only``: components,
    closed under calls, that are learnt; nothing is said of others.
    """
    size = len(contracted.calls)
    reach = ReachRows(size)
    own, extra, hazards = np.zeros(size), np.zeros(size), np.zeros(size)
    service_hazard = np.zeros(len(unavailability))
    causes: list[list[float]] = [[] for _ in range(size)]
    joint_data: dict[tuple[int, ...], bool] = {}
    assumed: set[int] = set()
    for component in reversed(contracted.order):
        if only is not None and component not in only:
            continue
        fatal: list[ReachRow] = []
        for group in contracted.groups[component]:
            fatal.append(reach.fatal(group))
            together = _together(group, own, traffic, contracted, unavailability, members, joint_data)
            cause, several = _group_failure(group, fatal[-1], reach, own, hazards, together)
            if together is None and cause > 0.0:
                assumed.add(component)
            causes[component].append(cause)
            extra[component] += several
        inherited = reach.fill(component, contracted.calls[component], fatal).dot(hazards) + float(
            extra[component]
        )
        services = members[component]
        shown = _shown_hazard(traffic, unavailability, services)
        own[component] = max(0.0, shown - inherited)
        hazards[component] = own[component] + extra[component]
        _split(own[component], services, unavailability, service_hazard)
    return Intrinsic(own, extra, reach, service_hazard, causes, frozenset(assumed))


def _group_failure(
    group: Group,
    fatal: ReachRow,
    reach: ReachRows,
    own: FloatArray,
    hazards: FloatArray,
    together: float | None,
) -> tuple[float, float]:
    """Unavailability of the members' common cause, and the hazard that several of them fail at once."""
    cause, _ = common_cause([-float(np.expm1(-own[call.dependency])) for call in group.calls], together)
    shared = fatal.dot(hazards) + hazard(cause)
    tail = np.zeros(group.fatal + 1)
    tail[0] = 1.0
    for call in group.calls:
        fails = call.probability * -np.expm1(-reach[call.dependency].dot(hazards))
        alone = -np.expm1(-max(0.0, hazard(fails) - shared))
        moved = tail[:-1] * alone
        tail[1:] += moved
        tail[:-1] -= moved
    return cause, hazard(float(tail[-1])) + hazard(cause)


def _together(
    group: Group,
    own: FloatArray,
    traffic: ObservedTraffic,
    contracted: Contracted,
    unavailability: FloatArray,
    members: Sequence[Sequence[int]],
    joint_data: dict[tuple[int, ...], bool],
) -> float | None:
    """How often the members fail together *by themselves*; what they inherit alike is the graph's to explain.

    None: no joint data.
    """
    components = sorted({call.dependency for call in group.calls})
    services = tuple(members[component][0] for component in components)
    if len(components) < len(group.calls) or any(len(members[component]) > 1 for component in components):
        return None
    if not np.isfinite(unavailability[list(services)]).all():
        return None
    if services not in joint_data:
        joint_data[services] = has_joint_data(traffic, services)
    if not joint_data[services]:
        return None
    shapes = []
    for component in components:
        shape = _ratio(traffic, members[component])
        for call in contracted.calls[component]:
            shape = shape - call.probability * _ratio(traffic, members[call.dependency])
        shapes.append(np.maximum(shape, 0.0))
    return joint_failure_ratio(shapes, [-float(np.expm1(-own[component])) for component in components])


def _ratio(traffic: ObservedTraffic, services: Sequence[int]) -> FloatArray:
    totals = traffic.total[list(services)]
    ratio = np.divide(traffic.bad[list(services)], totals, out=np.zeros_like(totals), where=totals > 0.0)
    return np.asarray(ratio.max(axis=0), np.float64)


def _shown_hazard(traffic: ObservedTraffic, unavailability: FloatArray, services: Sequence[int]) -> float:
    """Hazard that a component showed; 0 where nothing is known.

    A cycle fails when any member does. Members mostly show the same failures, so adding them up would count each
    one several times: in each interval the worst member speaks for the cycle.
    """
    known = [service for service in services if np.isfinite(unavailability[service])]
    if not known:
        return 0.0
    worst = float(unavailability[known].max())
    measured = [service for service in known if traffic.has_data[service].any()]
    if len(measured) > 1:
        intervals = traffic.total.shape[1]
        requests, ratio = np.zeros(intervals), np.zeros(intervals)
        for start in range(0, len(measured), _ROWS_AT_ONCE):  # a cycle can be the whole organisation
            rows = measured[start : start + _ROWS_AT_ONCE]
            totals = traffic.total[rows]
            requests += totals.sum(axis=0)
            np.maximum(ratio, (traffic.bad[rows] / (totals + _QUIET_REQUESTS)).max(axis=0), out=ratio)
        if requests.sum() > 0.0:
            worst = max(worst, float(ratio @ requests / requests.sum()))
    return hazard(worst)


def _split(whole: float, services: Sequence[int], unavailability: FloatArray, service_hazard: FloatArray) -> None:
    """Divide a cycle's own hazard by what each member showed."""
    if len(services) == 1:
        service_hazard[services[0]] = whole
        return
    shown = np.nan_to_num(unavailability[list(services)], nan=0.0)
    total = float(shown.sum())
    parts = shown / total if total > 0.0 else np.full(len(services), 1.0 / len(services))
    service_hazard[list(services)] = whole * parts


def shown_unavailability(
    traffic: ObservedTraffic, refused: Mapping[str, str]
) -> tuple[FloatArray, frozenset[int], frozenset[int]]:
    """What each service showed, and who has no telemetry: with a published figure, and without.

    Own observation comes first. An external provider's published figure, its unavailability raised by 10 %, is a
    prior worth half a failure: it fills in where there is no telemetry and fades with the first failures seen.
    A refused series counts as none.

    Returns:
        Unavailability, shape (n_services,), NaN where nothing is known; services known by their published figure
        only; services of which nothing is known.
    """
    shown = traffic.unavailability.copy()
    published: set[int] = set()
    unknown: set[int] = set()
    for row, service in enumerate(traffic.graph.services):
        if service.service_id in refused:
            shown[row] = np.nan
        figure = service.published_availability_ratio
        if figure is not None and figure < 1.0:
            prior = min(1.0, (1.0 - figure) * 1.1)
            if np.isfinite(shown[row]):
                requests, failures = float(traffic.total[row].sum()), float(traffic.bad[row].sum())
                shown[row] = (failures + 0.5) / (requests + 0.5 / prior)
            else:
                shown[row] = prior
                published.add(row)
        elif not np.isfinite(shown[row]):
            unknown.add(row)
    return shown, frozenset(published), frozenset(unknown)
