"""Explanations of a real application, PetShop: 41 components, who calls whom, 49 hours by five minutes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from sloengine.application.ports.shapley_values import ShapleyValues
from sloengine.application.recommendation.compute_recommendations import Wanted, compute_recommendations
from sloengine.application.recommendation.evidence import Evidence, LearntPriors
from sloengine.application.recommendation.prepared import Prepared, prepare
from sloengine.application.recommendation.service_requests import availability_request
from sloengine.domain.explanation.explain_availability import SplitBound
from sloengine.domain.explanation.shapley import coalitions, shapley_values
from sloengine.domain.recommendation.latency_prior import LatencyPrior
from sloengine.domain.recommendation.model import Explanation, Recommendation, SliType, TierName
from sloengine.domain.recommendation.organization_prior import learn_prior
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import FloatArray, SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.infrastructure.learning.shap_values import ShapValues
from tests.domain.topology.petshop import FRONT, PET_SEARCH, petshop

SETTINGS = EngineSettings(n_draws=400, explanation_draws=400)
WINDOW = ComplianceWindow.ROLLING_28D
LOAD_BALANCER = "servi-searc.us-west-2.elb.amazonaws.com_remote"
NAMES_OF_ONE = {LOAD_BALANCER: PET_SEARCH}
"""Two names that fail together: what passes through the first is what the second does."""


@cache
def prepared_petshop() -> Prepared:
    graph, panel = petshop()
    priors = LearntPriors(learn_prior(panel, as_of=panel.ends_at), LatencyPrior.shipped())
    return prepare(Evidence(as_of=panel.ends_at, graph=graph, panel=panel, priors=priors))


def recommended(
    prepared: Prepared, names: list[str], shapley: ShapleyValues | None = None
) -> dict[str, Recommendation]:
    wanted = [Wanted(name, SliType.AVAILABILITY) for name in names]
    answers = compute_recommendations(
        prepared, wanted, window=WINDOW, now=prepared.evidence.as_of, settings=SETTINGS, shapley=shapley
    )
    return {one.service_id: answer for one, answer in answers.items() if isinstance(answer, Recommendation)}


@cache
def explained() -> dict[str, tuple[Recommendation, Explanation]]:
    prepared = prepared_petshop()
    names = [service.service_id for service in prepared.evidence.graph.services]
    found = recommended(prepared, names, ShapValues())
    return {name: (one, one.explanation) for name, one in found.items() if one.explanation is not None}


def test_contributions_of_every_service_add_up():
    assert len(explained()) >= 30
    for name, (_, explanation) in explained().items():
        total = sum(part.contribution for part in explanation.attributions)
        assert total == pytest.approx(explanation.target_value - explanation.reference_value, abs=1e-9), name


def test_they_are_those_of_the_definition_over_all_coalitions():
    """2^n coalitions one by one, whatever library gives the values."""

    def enumerated(values: Any, players: int) -> Any:
        return shapley_values(values(coalitions(players)))

    names = [FRONT, PET_SEARCH, "PetSearch_client"]

    found = recommended(prepared_petshop(), names, enumerated)

    for name in names:
        explanation = found[name].explanation
        assert explanation is not None
        ours = [part.contribution for part in explanation.attributions]
        assert ours == pytest.approx([p.contribution for p in explained()[name][1].attributions], abs=1e-9)


def failures_through(service_id: str, causes: tuple[str, ...]) -> FloatArray:
    """The service's failed requests of each interval that these caused, as traced."""
    prepared = prepared_petshop()
    bound: object = availability_request(prepared, service_id, WINDOW, prepared.evidence.as_of, SETTINGS).bound
    traced = bound.failures_by_cause(causes) if isinstance(bound, SplitBound) and causes else None
    return np.zeros(1) if traced is None else np.asarray(np.nan_to_num(traced.total - traced.good).sum(axis=0))


def spared(panel: SliPanel, causes: tuple[str, ...]) -> SliPanel:
    """The telemetry of all services had these never failed by themselves."""
    graph = prepared_petshop().evidence.graph
    bad = np.nan_to_num(panel.total - panel.good)
    for name in panel.service_ids:
        row = panel.rows[name]
        if name in causes:
            below = tuple(edge.dependency for edge in graph.edges_by_caller.get(name, ()))
            bad[row] = failures_through(name, tuple(one for one in below if one not in causes))
        else:
            bad[row] -= failures_through(name, causes)
    return replace(panel, good=panel.total - np.clip(bad, 0.0, np.nan_to_num(panel.total)))


def test_every_counterfactual_of_a_service_that_never_failed_is_the_use_case_on_edited_telemetry():
    """Bound, pass-through and trace are learnt anew from edited series; the published figure is the one said."""
    prepared = prepared_petshop()
    panel = prepared.evidence.panel
    assert panel is not None
    compared, moved = 0, 0
    for name, (one, explanation) in explained().items():
        for said in explanation.counterfactuals:
            if said.after != 100.0:
                continue
            cause = said.service_id or name
            causes = (cause, NAMES_OF_ONE[cause]) if said.service_id in NAMES_OF_ONE else (cause,)
            edited = Evidence(
                as_of=panel.ends_at,
                graph=prepared.evidence.graph,
                panel=spared(panel, causes),
                priors=prepared.evidence.priors,
            )

            again = recommended(prepare(edited), [name])[name]

            [before], [after] = (found.tier(TierName.BALANCED).targets for found in (one, again))
            assert after.availability_ratio is not None
            assert said.resulting_target == pytest.approx(100.0 * after.availability_ratio), (name, cause)
            compared += 1
            moved += before.availability_ratio != after.availability_ratio
    assert compared >= 10
    assert moved >= 5
