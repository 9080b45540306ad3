"""A counterfactual is what the use case says of the changed world: telemetry edited, everything learnt anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sloengine.application.recommendation.compute_recommendations import Wanted, compute_recommendations
from sloengine.application.recommendation.prepared import Prepared
from sloengine.application.recommendation.service_requests import availability_request
from sloengine.domain.explanation.availability_rerun import AvailabilityRerun
from sloengine.domain.explanation.explain_availability import SplitBound
from sloengine.domain.recommendation.model import Recommendation, SliType, TierName
from sloengine.domain.recommendation.recommend_availability import recommend_with_case
from sloengine.domain.reliability.panel import FloatArray, SliPanel
from sloengine.domain.reliability.rounding import figures_tighter
from sloengine.domain.reliability.window import ComplianceWindow
from tests.domain.explanation.cases import CALLS, END, SETTINGS, case_of, prepared_shop, shop_panel


def failures_through(prepared: Prepared, service_id: str, causes: tuple[str, ...]) -> FloatArray:
    """The service's failed requests of each interval that these caused, as traced."""
    window = ComplianceWindow.ROLLING_28D
    bound: object = availability_request(prepared, service_id, window, END, SETTINGS).bound
    traced = bound.failures_by_cause(causes) if isinstance(bound, SplitBound) and causes else None
    return np.zeros(1) if traced is None else np.asarray((traced.total - traced.good).sum(axis=0))


def spared(panel: SliPanel, dependency: str, stays: float) -> SliPanel:
    """The telemetry of all services had only this part of the dependency's own failures happened."""
    prepared = prepared_shop(panel)
    bad = panel.total - panel.good
    own = bad[panel.rows[dependency]] - failures_through(prepared, dependency, CALLS[dependency])
    bad[panel.rows[dependency]] -= (1.0 - stays) * own
    for name in CALLS:
        if name != dependency:
            bad[panel.rows[name]] -= (1.0 - stays) * failures_through(prepared, name, (dependency,))
    return replace(panel, good=panel.total - np.clip(bad, 0.0, panel.total))


@pytest.mark.parametrize("stays", [0.0, 0.5])
@pytest.mark.parametrize(("service_id", "dependency", "outages"), [("cart", "db", 60), ("front", "cart", 0)])
@pytest.mark.parametrize("seed", range(3))
def test_a_counterfactual_is_the_use_case_on_edited_telemetry(
    seed: int, service_id: str, dependency: str, outages: int, stays: float
):
    """Nothing is handed on but what other services taught: bound, pass-through and trace are learnt anew.

    Of 30 such changes the published figure was the same in all; budgets differ by 11 % at most.
    """
    panel = shop_panel(seed, outages_of_db=outages)
    case = case_of(service_id, panel)
    rerun = case.rerun()
    assert rerun.dependencies is not None
    by_part = [stays if part.service_id == dependency else 1.0 for part in rerun.dependencies.parts]
    assert stays in by_part
    said = rerun.published(by_source=rerun.dependencies.factors(by_part))

    edited = prepared_shop(spared(panel, dependency, stays))
    priors = prepared_shop(panel).evidence.priors
    edited = replace(edited, evidence=replace(edited.evidence, priors=priors))
    wanted = Wanted(service_id, SliType.AVAILABILITY)
    window = ComplianceWindow.ROLLING_28D
    answer = compute_recommendations(edited, [wanted], window=window, now=END, settings=SETTINGS)[wanted]

    assert isinstance(answer, Recommendation)
    found = answer.tier(TierName.BALANCED).targets[0].availability_ratio
    assert said is not None
    assert found is not None
    assert abs(figures_tighter(found, said)) <= (0 if stays else 1)
    # and it did change something, if not always by a whole figure: in the edited world, and as much as was said
    budget = rerun.unavailability(by_source=rerun.dependencies.factors(by_part))
    request = availability_request(edited, service_id, window, END, SETTINGS)
    _, case_after = recommend_with_case(request, priors.availability, SETTINGS)
    assert case_after is not None
    after = AvailabilityRerun(case_after, case.level, SETTINGS.testable_failures).unavailability()
    assert after == pytest.approx(budget, rel=0.12)
    assert after < (0.9 if outages else 1.0) * rerun.unavailability()
