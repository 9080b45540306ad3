"""A small organisation whose failures travel along its calls, and everything an explanation is made from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from sloengine.application.recommendation.evidence import Evidence, LearntPriors
from sloengine.application.recommendation.prepared import Prepared, prepare
from sloengine.application.recommendation.service_requests import availability_request
from sloengine.domain.explanation.availability_rerun import AvailabilityRerun
from sloengine.domain.explanation.explain_availability import AvailabilityExplainer
from sloengine.domain.explanation.reference import Reference
from sloengine.domain.explanation.shapley import coalitions, shapley_values
from sloengine.domain.recommendation.availability_case import AvailabilityCase
from sloengine.domain.recommendation.behaviour_change import BehaviourChange
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.model import Explanation, Recommendation, TierName
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, learn_prior
from sloengine.domain.recommendation.recommend_availability import recommend_with_case
from sloengine.domain.recommendation.request import AvailabilityRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service

END = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
SETTINGS = EngineSettings(n_draws=400, explanation_draws=400)
CALLS = {"front": ("cart", "search"), "cart": ("db",), "search": (), "db": ()}


@dataclass(frozen=True)
class Case:
    """One service's recommendation and what it was made from."""

    request: AvailabilityRequest
    prior: OrganizationPrior
    recommendation: Recommendation
    case: AvailabilityCase
    explainer: AvailabilityExplainer

    @property
    def level(self) -> float:
        return SETTINGS.nominal_probability[TierName.BALANCED]

    def explain(self) -> Explanation:
        found = self.explainer.explain(self.recommendation)
        assert found is not None
        return found

    def rerun(self) -> AvailabilityRerun:
        return AvailabilityRerun(self.case, self.level, SETTINGS.testable_failures, self.explainer._dependencies())


def shop_panel(
    seed: int = 0, *, days: int = 60, volume: float = 2e4, outages_of_db: int = 0, without: str | None = None
) -> SliPanel:
    """Each service fails by itself now and then, and with what it calls. ``outages_of_db``: of four hours.

    ``without``: the same world, in which this service never fails by itself.
    """
    rng = np.random.default_rng(seed)
    names = tuple(CALLS)
    hours = days * 24
    ratio = {}
    for name in reversed(names):
        own = np.full(hours, 3e-5)
        for start in rng.integers(0, hours - 3, days // 15):
            own[start : start + 2] += rng.uniform(0.02, 0.3)
        for start in rng.integers(0, hours - 5, outages_of_db if name == "db" else 0):
            own[start : start + 4] = 0.5
        if name == without:
            own[:] = 0.0
        good = 1.0 - own
        for called in CALLS[name]:
            good *= 1.0 - ratio[called]
        ratio[name] = 1.0 - good
    total = np.tile(rng.poisson(volume, hours).astype(float), (len(names), 1))
    bad = np.array([rng.binomial(total[i].astype(int), ratio[name]) for i, name in enumerate(names)])
    return SliPanel(names, END - hours * HOUR, HOUR, total - bad, total)


def case_of(
    service_id: str,
    panel: SliPanel,
    *,
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D,
    settings: EngineSettings = SETTINGS,
    soft: tuple[str, ...] = (),
    reference: Reference | None = None,
    changed: BehaviourChange | None = None,
    prior: OrganizationPrior | None = None,
    previous: Recommendation | None = None,
) -> Case:
    """The recommendation for one service of the shop. ``soft``: calls such as "cart>db" that are declared soft.

    ``prior``: instead of the one that is learnt from the panel.
    """
    prepared = prepared_shop(panel, soft=soft)
    request = availability_request(prepared, service_id, window, END, settings)
    request = replace(request, changed=changed, previous=previous)
    prior = prior or prepared.evidence.priors.availability
    recommendation, case = recommend_with_case(request, prior, settings)
    assert isinstance(recommendation, Recommendation)
    assert case is not None
    usual = reference or Reference.of_organization(prior, service_id, history_days=90.0)

    def enumerated(values: Any, players: int) -> Any:
        return shapley_values(values(coalitions(players)))

    explainer = AvailabilityExplainer(request, case, settings, enumerated, usual)
    return Case(request, prior, recommendation, case, explainer)


def prepared_shop(panel: SliPanel, *, soft: tuple[str, ...] = ()) -> Prepared:
    """The shop, its telemetry checked and pass-through learnt."""
    hard, mild = DependencyCriticality.HARD, DependencyCriticality.SOFT
    calls = tuple(
        Dependency(caller, called, call_weight=1.0, criticality=mild if f"{caller}>{called}" in soft else hard)
        for caller, below in CALLS.items()
        for called in below
    )
    evidence = Evidence(
        as_of=END,
        graph=DependencyGraph(tuple(Service(name) for name in CALLS), calls),
        panel=panel,
        priors=LearntPriors(learn_prior(panel, as_of=END, lookback_days=90), LatencyPrior.shipped()),
    )
    return prepare(evidence)
