"""How much of a dependency's failure reaches its caller: as declared, and as the data say.

Declared is not true. f of an edge is at most Σ min(B, E) / Σ B, whatever else may have failed; where the upper
97.5 % limit of that lies below what is declared, on enough evidence, it takes its place, and where
it lies below half of that, the dependency is *contradicted by the data*, and f̂ from an additive Poisson fit does.
One episode is no evidence: the finding must survive leaving out the worst day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from sloengine.domain.content_memo import ContentMemo
from sloengine.domain.recommendation.model import Contradiction, Estimate
from sloengine.domain.topology.additive_fit import AdditiveFit, interval
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.failed_calls import FloatArray, IntArray, ObservedTraffic
from sloengine.domain.topology.pass_through_finding import PassThroughFinding, Verdict
from sloengine.domain.topology.pass_through_fits import caller_fits
from sloengine.domain.topology.pass_through_limits import (
    CONTRADICTED_BELOW,
    FAILED_CALLS,
    failed_call_evidence,
    upper_limits,
)
from sloengine.domain.topology.system import (
    ASYNC_PASS_THROUGH,
    DEGRADED_PASS_THROUGH,
    HARD_PASS_THROUGH,
    SOFT_PASS_THROUGH,
)

#: A measured pass-through below this is none: such an edge passes nothing on and closes no cycle.
_NOTHING = 1e-3
#: Edges learnt together: bounds memory to a few arrays of this many rows.
EDGES_TOGETHER = 2048

_BY_CRITICALITY = {
    DependencyCriticality.HARD: HARD_PASS_THROUGH,
    DependencyCriticality.DEGRADED: DEGRADED_PASS_THROUGH,
    DependencyCriticality.SOFT: SOFT_PASS_THROUGH,
}


@dataclass(frozen=True)
class PassThrough:
    """Pass-through of each edge, in the order of ``ObservedTraffic.edges``.

    ``declared`` and ``in_use``: shape (n_edges,). ``failed_calls``: Σ B. ``measured``: by edge, where the evidence
    suffices. ``contradictions``: by edge. ``less``: edges that surely pass on less than declared.
    """

    declared: FloatArray
    in_use: FloatArray
    failed_calls: FloatArray
    measured: Mapping[int, Estimate]
    contradictions: Mapping[int, Contradiction]
    less: frozenset[int]


def declared_pass_through(dependency: Dependency) -> float:
    """f by declaration: hard 1, degraded 0.5, soft 0.1; asynchronous 0."""
    if dependency.mode is DependencyMode.ASYNC:
        return ASYNC_PASS_THROUGH
    return _BY_CRITICALITY[dependency.criticality]


def learn_pass_through(
    traffic: ObservedTraffic,
    refused: Mapping[str, str],
    *,
    seed: int,
    callers: Collection[str] | None = None,
    fits: ContentMemo[AdditiveFit] | None = None,
    known: Mapping[tuple[str, str], PassThroughFinding] | None = None,
    edges_together: int = EDGES_TOGETHER,
) -> PassThrough:
    """Pass-through of every edge of a graph; with ``callers``, of their edges, while others stay as declared.

    ``refused``: services whose series cannot be true as their own SLI, with the reason. As dependencies they are
    evidence like any other; as callers they are none. ``fits``: those made before. ``known``: findings that
    stand, by (caller, dependency); a caller is learnt where one of its edges has none, or had no telemetry then.
    ``edges_together``: learnt at a time, or as many as one caller has: their series are in memory.
    Deterministic per edge: the same edge over the same intervals gets the same answer in a subgraph that holds
    its callers and its caller's dependencies.
    """
    count = len(traffic.edges)
    declared = np.array([declared_pass_through(edge) for edge in traffic.edges])
    in_use = declared.copy()
    failed_calls = np.zeros(count)
    ids = [service.service_id for service in traffic.graph.services]
    believed = np.array([service_id not in refused for service_id in ids], bool)
    failing = traffic.bad.sum(axis=1) > 0.0
    counted = np.zeros(count, bool)
    counted[list(traffic.counted)] = True
    observed = believed & traffic.has_data.any(axis=1)
    if callers is not None:
        observed &= np.array([service_id in callers for service_id in ids], bool)
    standing = _standing(traffic, observed, known) if known else {}
    learnt = observed[traffic.callers] & (failing[traffic.dependencies] | counted)
    learnt[list(standing)] = False
    candidates = np.flatnonzero(learnt)
    # A dependency's failures are its only caller's; several callers get an expected part each.
    expected = ~counted & (traffic.caller_count[traffic.dependencies] > 1)
    # A replica whose failures do not reach the caller does what it was declared for.
    claimed = np.where(_stands_in(traffic.edges), 0.0, declared)
    measured: dict[int, Estimate] = {}
    contradictions: dict[int, Contradiction] = {}
    less: set[int] = set()
    for some in _by_callers(candidates, traffic.callers, edges_together):
        evidence = failed_call_evidence(traffic, some, expected, failed_calls)
        upper, contradicted = upper_limits(traffic, evidence, claimed, seed)
        fitted = caller_fits(traffic, evidence, some, failed_calls, fits)
        for edge in evidence.edges.tolist():
            fit, error = fitted[edge]
            limit = upper.get(edge)
            value = fit if limit is None else min(fit, limit)
            low, high = interval(value, error, float(failed_calls[edge]))
            if limit is not None:
                high = max(min(high, max(limit, 3.69 / float(failed_calls[edge]))), value)
            measured[edge] = Estimate(value, min(low, value), min(1.0, high))
            if limit is not None:
                if edge not in contradicted or _tries_explain(traffic, edge, float(claimed[edge])):
                    # Proven is the limit, not the fit, which mistakes what fails at the same time.
                    in_use[edge] = limit
                    less.add(edge)
                    continue
                in_use[edge] = value if value >= _NOTHING else 0.0
                contradictions[edge] = _contradiction(
                    traffic.edges[edge], float(declared[edge]), measured[edge], float(failed_calls[edge]), refused
                )
    # What calls brought is put beside requests of the same hours, so it is summed anew where it is used so.
    used = [edge for edge in standing if counted[edge] or traffic.attempts[edge] > 1.0]
    for portion in traffic.blocks_of(np.array(used, np.int64)):
        failed_calls[portion] = traffic.attributed(portion)[0].sum(axis=1)
    for edge, found in standing.items():
        in_use[edge] = found.in_use
        if found.measured is None:
            continue
        measured[edge] = found.measured
        if found.verdict is Verdict.LESS:
            less.add(edge)
        elif found.verdict is Verdict.CONTRADICTED:
            contradictions[edge] = _contradiction(
                traffic.edges[edge], float(declared[edge]), found.measured, found.failed_calls, refused
            )
    return PassThrough(
        declared,
        in_use,
        failed_calls,
        dict(sorted(measured.items())),
        dict(sorted(contradictions.items())),
        frozenset(less),
    )


def _by_callers(edges: IntArray, callers: IntArray, at_once: int) -> Iterator[IntArray]:
    """The edges in portions, all of a caller's in one. ``callers``: of all edges of the graph."""
    ordered = edges[np.argsort(callers[edges], kind="stable")]
    first = 0
    while first < len(ordered):
        last = min(first + at_once, len(ordered))
        while last < len(ordered) and callers[ordered[last]] == callers[ordered[last - 1]]:
            last += 1
        yield ordered[first:last]
        first = last


def _standing(
    traffic: ObservedTraffic,
    observed: npt.NDArray[np.bool_],
    known: Mapping[tuple[str, str], PassThroughFinding],
) -> dict[int, PassThroughFinding]:
    """Findings by edge, of the callers of which every edge has one that says what the telemetry now there says."""
    has_data = traffic.has_data.any(axis=1).tolist()
    found: dict[int, PassThroughFinding] = {}
    to_learn: set[int] = set()
    ends = zip(traffic.edges, traffic.callers.tolist(), traffic.dependencies.tolist(), strict=True)
    for edge, (dependency, caller, called) in enumerate(ends):
        if not observed[caller]:
            continue
        finding = known.get(dependency.pair)
        if finding is None or (has_data[called] and not finding.seen):
            to_learn.add(caller)
        else:
            found[edge] = finding
    return {edge: finding for edge, finding in found.items() if traffic.callers[edge] not in to_learn}


def findings_of(
    traffic: ObservedTraffic,
    passes: PassThrough,
    refused: Collection[str],
    basis_of: Callable[[str], str],
    learnt_at: datetime,
    callers: Collection[str],
) -> dict[tuple[str, str], PassThroughFinding]:
    """What was learnt of the edges of these callers, to be kept; those without evidence too."""
    has_data = traffic.has_data.any(axis=1)
    findings: dict[tuple[str, str], PassThroughFinding] = {}
    for edge, dependency in enumerate(traffic.edges):
        if dependency.caller not in callers:
            continue
        verdict = Verdict.LESS if edge in passes.less else Verdict.DECLARED
        seen = has_data[traffic.callers[edge]] and has_data[traffic.dependencies[edge]]
        findings[dependency.pair] = PassThroughFinding(
            verdict=Verdict.CONTRADICTED if edge in passes.contradictions else verdict,
            in_use=float(passes.in_use[edge]),
            failed_calls=float(passes.failed_calls[edge]),
            measured=passes.measured.get(edge),
            seen=bool(seen) and dependency.caller not in refused,
            basis=basis_of(dependency.caller),
            learnt_at=learnt_at,
        )
    return findings


def _stands_in(edges: Sequence[Dependency]) -> npt.NDArray[np.bool_]:
    """Edges to members of a redundancy group that can do without one of them; shape (n_edges,)."""
    sizes = Counter((edge.caller, edge.redundancy_group) for edge in edges if edge.redundancy_group is not None)
    required: dict[tuple[str, str | None], int] = {}
    for edge in edges:
        key = edge.caller, edge.redundancy_group
        required[key] = max(required.get(key, 1), edge.required or 1)
    return np.array(
        [
            edge.redundancy_group is not None
            and required[edge.caller, edge.redundancy_group] < sizes[edge.caller, edge.redundancy_group]
            for edge in edges
        ],
        bool,
    )


def _tries_explain(traffic: ObservedTraffic, edge: int, declared: float) -> bool:
    """Whether further tries alone can have kept the failures back: attempts that fail each for itself.

    Then many attempts failed and few calls were lost, and the dependency is as hard as declared.
    """
    if traffic.attempts[edge] <= 1.0 or edge in traffic.counted:
        return False
    lost = traffic.failed_each_for_itself([edge])[0]
    through = float(np.minimum(lost, traffic.bad[traffic.callers[edge]]).sum())
    return bool(lost.sum() < FAILED_CALLS or through >= CONTRADICTED_BELOW * declared * lost.sum())


def _contradiction(
    edge: Dependency, declared: float, measured: Estimate, failed_calls: float, refused: Mapping[str, str]
) -> Contradiction:
    message = (
        f"{edge.dependency} is declared to pass {declared:.0%} of its failures on to {edge.caller}, but of "
        f"{failed_calls:,.0f} failed calls about {measured.value:.1%} did (at most {measured.high:.1%}); "
        "the measured share is used."
    )
    if edge.attempts > 1:
        message += f" Calls are tried up to {edge.attempts} times: those that a further try mends are among them."
    if edge.dependency in refused:
        message += f" Its own series is not believed: {refused[edge.dependency]}."
    return Contradiction(edge.caller, edge.dependency, declared, measured, message)
