"""Findings of pass-through for tests that do not learn them."""

from __future__ import annotations

from datetime import UTC, datetime

from sloengine.domain.recommendation.model import Estimate
from sloengine.domain.topology.pass_through_finding import PassThroughFinding, Verdict

LEARNT_AT = datetime(2026, 3, 2, 5, 40, tzinfo=UTC)


def finding(
    measured: Estimate | None,
    *,
    in_use: float = 1.0,
    verdict: Verdict = Verdict.DECLARED,
    basis: str = "basis",
    learnt_at: datetime = LEARNT_AT,
) -> PassThroughFinding:
    """One edge's."""
    return PassThroughFinding(verdict, in_use, 120.0, measured, True, basis, learnt_at)
