"""What explanations cost, whether they add up, and how far fewer windows move them.

    python -m bench.explanations

An organisation as in the bench of all services, only smaller; CPU seconds, because the machine may be busy.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from bench.all_services import DAYS, synthetic_histories, synthetic_panel
from bench.graphs import layered_graph
from sloengine.application.ports.shapley_values import ShapleyValues
from sloengine.application.recommendation.compute_recommendations import Wanted, compute_recommendations
from sloengine.application.recommendation.evidence import Evidence, LearntPriors
from sloengine.application.recommendation.prepared import Prepared, prepare
from sloengine.application.recommendation.recommend_from_files import graph_of_document
from sloengine.domain.recommendation.latency_prior import learn_latency_prior
from sloengine.domain.recommendation.model import Recommendation, SliType
from sloengine.domain.recommendation.organization_prior import learn_prior
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.infrastructure.learning.shap_values import ShapValues

SERVICES, EDGES, EXPLAINED = 120, 1_200, 40
TODAY = datetime(2026, 3, 1, tzinfo=UTC)


def main() -> None:
    """Print the figures."""
    prepared = _organisation()
    services = [service.service_id for service in prepared.evidence.graph.services][:EXPLAINED]
    shap = ShapValues()
    _computed(prepared, services[:2], SliType.AVAILABILITY, EngineSettings(), shap)
    for sli_type in SliType:
        plain, _ = _computed(prepared, services, sli_type, EngineSettings(), None)
        whole, answers = _computed(prepared, services, sli_type, EngineSettings(), shap)
        print(
            f"{sli_type}: {plain:.1f} ms CPU a service, {whole:.1f} ms with explanation; {len(answers)} explained"
        )
        print(f"  largest error of a sum: {max(_sum_error(answer) for answer in answers):.1e}")
        if sli_type is SliType.AVAILABILITY:
            exact = _contributions(prepared, services, EngineSettings(explanation_draws=4096), shap)
            for draws in (64, 256, 512):
                found = _contributions(prepared, services, EngineSettings(explanation_draws=draws), shap)
                errors = [np.abs(a - b).max() / np.abs(b).max() for a, b in zip(found, exact, strict=True)]
                print(
                    f"  {draws} windows for those that decide nothing: contributions off by "
                    f"{np.median(errors):.1%} of the largest one in the middle, "
                    f"{np.quantile(errors, 0.9):.1%} in nine of ten"
                )


def _organisation() -> Prepared:
    document = layered_graph(SERVICES, EDGES)
    names = [row["serviceId"] for row in document["services"]]
    random = np.random.default_rng(11)
    panel = synthetic_panel(names, TODAY, random)
    latency = {history.service_id: history for history in synthetic_histories(names, TODAY, random)}
    graph, _ = graph_of_document(document, set(names), TODAY)
    availability = learn_prior(panel, as_of=TODAY, lookback_days=DAYS)
    slow = learn_latency_prior(latency, as_of=TODAY, lookback_days=DAYS)
    return prepare(
        Evidence(as_of=TODAY, graph=graph, panel=panel, priors=LearntPriors(availability, slow), latency=latency)
    )


def _computed(
    prepared: Prepared,
    service_ids: list[str],
    sli_type: SliType,
    settings: EngineSettings,
    shapley: ShapleyValues | None,
) -> tuple[float, list[Recommendation]]:
    """CPU milliseconds a service, and the answers that say what made them."""
    fresh = replace(prepared, draws={})
    began = time.process_time()
    answers = compute_recommendations(
        fresh,
        [Wanted(service_id, sli_type) for service_id in service_ids],
        window=ComplianceWindow.ROLLING_28D,
        now=TODAY + timedelta(minutes=1),
        settings=settings,
        shapley=shapley,
    )
    spent = 1_000.0 * (time.process_time() - began) / len(service_ids)
    return spent, [a for a in answers.values() if isinstance(a, Recommendation) and a.explanation is not None]


def _sum_error(recommendation: Recommendation) -> float:
    explanation = recommendation.explanation
    if explanation is None:
        raise ValueError("not explained")
    total = sum(part.contribution for part in explanation.attributions)
    return abs(total - (explanation.target_value - explanation.reference_value))


def _contributions(
    prepared: Prepared, service_ids: list[str], settings: EngineSettings, shapley: ShapleyValues
) -> list[FloatArray]:
    _, answers = _computed(prepared, service_ids, SliType.AVAILABILITY, settings, shapley)
    found = []
    for answer in answers:
        explanation = answer.explanation
        if explanation is not None:
            found.append(np.array([part.contribution for part in explanation.attributions[:-1]]))
    return found


if __name__ == "__main__":
    main()
