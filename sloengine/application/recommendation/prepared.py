"""Evidence with what is worked out once for all services in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from sloengine.application.recommendation.evidence import Evidence
from sloengine.domain.content_memo import ContentMemo
from sloengine.domain.recommendation.recommend import TelemetryFindings, inspect
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.additive_fit import AdditiveFit
from sloengine.domain.topology.graph_reliability import GraphReliability, learn_reliability

type Draws = npt.NDArray[np.float64]
"""Unavailability of future windows, shape (n_draws,)."""


@dataclass(frozen=True)
class Prepared:
    """Evidence with what is worked out once for all services in it.

    ``draws``: predictive unavailability per service and window, filled as it is needed; shape (n_draws,).
    ``earlier``: what was worked out for other services, to be found again. ``older``: checked like the rest.
    """

    evidence: Evidence
    findings: TelemetryFindings
    reliability: GraphReliability
    draws: dict[tuple[str, ComplianceWindow], Draws | None] = field(default_factory=dict)
    earlier: Earlier | None = None
    older: SliPanel | None = None

    def panel_of(self, service_id: str) -> SliPanel:
        """Where a service's own series is read: a year of it where the usual look-back holds too few days."""
        older = self.older
        return self.findings.cleaned if older is None or service_id not in older.rows else older


@dataclass(frozen=True)
class Earlier:
    """What neighbours have in common when they are asked for one after the other: their dependencies' draws, 32 KB
    each, and the fits of those that call them.
    """

    draws: ContentMemo[Draws | None] = field(default_factory=lambda: ContentMemo(2_000))
    fits: ContentMemo[AdditiveFit] = field(default_factory=lambda: ContentMemo(10_000))


def prepare(evidence: Evidence, earlier: Earlier | None = None, *, only_below: bool = False) -> Prepared:
    """Check the telemetry and learn how failures travel; dear, so done once for all services.

    ``earlier``: saves work where services are asked for one by one; the answers are the same. ``only_below``: so
    does learning nothing of services that none of those asked for leads to; no edit can be made to that.
    """
    findings = inspect(evidence.panel, evidence.graph, evidence.others)
    reliability = learn_reliability(
        evidence.graph,
        findings.cleaned,
        evidence.edges,
        findings.refused,
        roots=evidence.asked,
        only_below=only_below,
        fits=None if earlier is None else earlier.fits,
        known=evidence.findings,
        others=evidence.others,
    )
    older = None if evidence.older is None else inspect(evidence.older).cleaned
    return Prepared(
        evidence, _with_series_not_given(findings, evidence), reliability, earlier=earlier, older=older
    )


def _with_series_not_given(findings: TelemetryFindings, evidence: Evidence) -> TelemetryFindings:
    """Series that the source kept back: without any other data they are the reason, else a warning."""
    refused, warnings = dict(findings.refused), dict(findings.warnings)
    rows = findings.cleaned.rows
    for service_id, reason in evidence.refused.items():
        row = rows.get(service_id)
        if row is None:
            continue
        if np.isnan(findings.cleaned.total[row]).all():
            refused.setdefault(service_id, reason)
        else:
            warnings[service_id] = (*warnings.get(service_id, ()), f"a series was not taken: {reason}")
    return replace(findings, refused=refused, warnings=warnings)
