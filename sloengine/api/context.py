"""What every resolver can reach: the use cases, who asks, and this request's loaders."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import strawberry

from sloengine.api.drift.loaders import DriftLoaders
from sloengine.api.forecast.loaders import ForecastLoaders
from sloengine.api.governance.loaders import GovernanceLoaders
from sloengine.api.journeys.loaders import JourneyLoaders
from sloengine.api.recommendation.loaders import RecommendationLoaders
from sloengine.api.telemetry.loaders import TelemetryLoaders
from sloengine.api.topology.loaders import TopologyLoaders
from sloengine.domain.governance.model import Actor

if TYPE_CHECKING:
    from sloengine.bootstrap.container import UseCases


@dataclass
class Context:
    """Made anew for each request; loaders remember what this request has read, and nothing longer."""

    use_cases: UseCases
    actor: Actor
    request_id: str
    row_needed: dict[int, bool] = field(default_factory=dict)
    """Per selection of the operation: does it ask for more of a service than its id? Worked out once a request."""

    def forget(self) -> None:
        """Start with new loaders: an operation that lasts reads anew what it tells next."""
        for name in LOADERS:
            self.__dict__.pop(name, None)

    @cached_property
    def topology(self) -> TopologyLoaders:
        """Services, dependencies, cycles, ingestions."""
        use_cases = self.use_cases
        return TopologyLoaders(use_cases.read_graph, use_cases.read_centrality, use_cases.read_divergences)

    @cached_property
    def recommendation(self) -> RecommendationLoaders:
        """Recommendations and their jobs."""
        return RecommendationLoaders(self.use_cases.read_recommendations)

    @cached_property
    def governance(self) -> GovernanceLoaders:
        """SLOs and audit entries."""
        return GovernanceLoaders(self.use_cases.read_ledger)

    @cached_property
    def drift(self) -> DriftLoaders:
        """Confirmed changes of behaviour."""
        return DriftLoaders(self.use_cases.read_drift)

    @cached_property
    def forecast(self) -> ForecastLoaders:
        """Forecasts of error budgets."""
        return ForecastLoaders(self.use_cases.forecast_budgets)

    @cached_property
    def journeys(self) -> JourneyLoaders:
        """Journeys, and what may be promised for them."""
        return JourneyLoaders(self.use_cases.read_journeys, self.use_cases.recommend_journeys)

    @cached_property
    def telemetry(self) -> TelemetryLoaders:
        """SLIs."""
        return TelemetryLoaders(self.use_cases.read_sli, self.use_cases.read_budget)


LOADERS = tuple(name for name, value in vars(Context).items() if isinstance(value, cached_property))

Info = strawberry.Info[Context, None]
