"""Composite bounds that are drawn: from what each dependency's own past predicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from sloengine.application.recommendation.prepared import Draws, Prepared
from sloengine.domain.recommendation.model import CompositeBound
from sloengine.domain.recommendation.recommend import (
    AvailabilityRequest,
    EngineSettings,
    availability_predictive,
)
from sloengine.domain.recommendation.seed import settings_text
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.bound_softened import Softened
from sloengine.domain.topology.composite_bound import BoundResult
from sloengine.domain.topology.joint_draws import DrawnSources, draw_sources

_MATTERS = 1e-3
"""Share of what is inherited below which a part keeps its mean instead of being drawn."""


@dataclass(frozen=True)
class DrawnBound:
    """A composite bound that draws future windows from what each part's own past predicts."""

    service_id: str
    result: BoundResult
    draws_of: Callable[[Sequence[str]], Mapping[str, Draws]]

    @property
    def bound(self) -> CompositeBound:
        """What is shown."""
        return self.result.bound

    @property
    def promised_ratio(self) -> float | None:
        """Availability when dependencies do no better than they promise."""
        return self.result.promised_ratio

    def joint_draws(self, n: int, rng: np.random.Generator) -> Draws | None:
        """Unavailability of the composite in ``n`` future windows.

        Only what matters is drawn: parts below a thousandth of what is inherited keep their mean, and a service
        that inherits nothing is bounded by nothing.
        """
        drawn = self.drawn_sources(n, rng)
        return None if drawn is None else drawn.composed(self._known_draws.get(self.result.inherited.root))

    def drawn_sources(self, n: int, rng: np.random.Generator) -> DrawnSources | None:
        """What these draws are composed of, given the same numbers; drawn once for both."""
        if not self._known_draws:
            return None
        numbers = (n, str(rng.bit_generator.state))
        if numbers not in self._drawn:
            self._drawn[numbers] = draw_sources(self.result.inherited, n, rng, self._known_draws)
        return self._drawn[numbers]

    @cached_property
    def _drawn(self) -> dict[tuple[int, str], DrawnSources | None]:
        return {}

    @cached_property
    def _known_draws(self) -> Mapping[str, Draws]:
        """Of the service itself and of what matters; nothing where it inherits nothing."""
        shares = {part.service_id: part.share_ratio for part in self.bound.contributions}
        inherited = sum(shares.values())
        if inherited <= 0:
            return {}
        matters = [service_id for service_id, share in shares.items() if share >= _MATTERS * inherited]
        return self.draws_of([self.service_id, *matters])

    def failures_by_cause(self, causes: Sequence[str]) -> SliPanel | None:
        """The service's requests, by each of these services those that it caused to fail; None: not known."""
        trace = self.result.trace
        return None if trace is None else trace.failures_of(causes)

    def softened(self, dependency: str) -> Softened | None:
        """What making the call to this dependency soft leaves."""
        return self.result.softened(dependency)


def predictive_draws(
    prepared: Prepared,
    service_ids: Sequence[str],
    window: ComplianceWindow,
    now: datetime,
    settings: EngineSettings,
) -> dict[str, Draws]:
    """Predictive draws of services that have any, each from its own past alone."""
    found: dict[str, Draws] = {}
    for service_id in service_ids:
        key = (service_id, window)
        if key not in prepared.draws:
            request = AvailabilityRequest(
                service_id=service_id,
                window=window,
                as_of=prepared.evidence.as_of,
                panel=prepared.panel_of(service_id),
                now=now,
                findings=prepared.findings,
            )
            prepared.draws[key] = _draws_of(request, prepared, settings)
        known = prepared.draws[key]
        if known is not None:
            found[service_id] = known
    return found


def _draws_of(request: AvailabilityRequest, prepared: Prepared, settings: EngineSettings) -> Draws | None:
    def compute() -> Draws | None:
        predictive = availability_predictive(request, prepared.evidence.priors.availability, settings)
        return None if predictive is None else predictive.unavailability

    if prepared.earlier is None:
        return compute()
    panel = request.panel
    row = panel.rows.get(request.service_id)
    series = () if row is None else (panel.good[row], panel.total[row])
    refused = prepared.findings.refused.get(request.service_id, "")
    asked = (request.service_id, request.window, request.as_of.isoformat(), panel.start_at.isoformat())
    priors = prepared.evidence.priors.availability.digest
    return prepared.earlier.draws(
        series, (*asked, str(panel.step), refused, priors, settings_text(settings)), compute
    )
