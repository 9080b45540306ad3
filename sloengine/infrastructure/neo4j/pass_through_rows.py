"""Findings of pass-through on their way to and from Neo4j."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sloengine.domain.recommendation.model import Estimate
from sloengine.domain.topology.pass_through_finding import PassThroughFinding, Verdict
from sloengine.infrastructure.neo4j.instants import instant

type Pair = tuple[str, str]

_VERDICTS = {verdict.value: verdict for verdict in Verdict}


def finding_parameters(pairs: Sequence[Pair], findings: Mapping[Pair, PassThroughFinding]) -> list[dict[str, Any]]:
    """A row of the write for each pair; one without a finding takes away what was kept."""
    return [_parameters(pair, findings.get(pair)) for pair in sorted(pairs)]


def _parameters(pair: Pair, found: PassThroughFinding | None) -> dict[str, Any]:
    measured = None if found is None else found.measured
    return {
        "caller": pair[0],
        "dependency": pair[1],
        "value": None if measured is None else measured.value,
        "low": None if measured is None else measured.low,
        "high": None if measured is None else measured.high,
        "in_use": None if found is None else found.in_use,
        "failed_calls": None if found is None else found.failed_calls,
        "verdict": None if found is None else found.verdict.value,
        "seen": None if found is None else found.seen,
        "basis": None if found is None else found.basis,
        "at": None if found is None else found.learnt_at,
    }


def findings_of_rows(rows: Iterable[Sequence[Any]]) -> dict[Pair, PassThroughFinding]:
    """By (caller, dependency), of rows of ``read/pass_through_findings``."""
    found: dict[Pair, PassThroughFinding] = {}
    for caller, *columns in rows:
        learnt = {at: instant(at) for at in set(columns[-1])}  # mostly one a caller
        for dependency, verdict, in_use, failed_calls, value, low, high, seen, basis, at in zip(
            *columns, strict=True
        ):
            measured = None if math.isnan(value) else Estimate(value, low, high)
            found[caller, dependency] = PassThroughFinding(
                _VERDICTS[verdict], in_use, failed_calls, measured, seen, basis, learnt[at]
            )
    return found
