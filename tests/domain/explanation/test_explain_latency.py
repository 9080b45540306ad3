from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from sloengine.domain.explanation.explain_latency import LatencyExplainer
from sloengine.domain.explanation.latency_game import BELOW, COVERAGE, LATENCY_GROUPS, THROTTLING
from sloengine.domain.explanation.shapley import coalitions, shapley_values
from sloengine.domain.recommendation.latency_prior import LatencyPrior, learn_latency_prior
from sloengine.domain.recommendation.latency_tiers import latency_tiers
from sloengine.domain.recommendation.latency_window import latency_window
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, TierName
from sloengine.domain.recommendation.recommend_latency import recommend_latency_with_case
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow
from tests.domain.explanation.test_wording import assert_only_facts
from tests.domain.recommendation.organizations import DAY, START, latency_history

SETTINGS = EngineSettings(n_latency_draws=400, explanation_draws=400)
LEVEL = SETTINGS.nominal_probability[TierName.BALANCED]
SLOW = (5, 30, 31, 70)
FINE = np.r_[np.geomspace(0.01, 20.0, 300), np.inf]


@cache
def prior() -> LatencyPrior:
    peers = {
        f"peer-{i}": latency_history(seed=i, slow_days=(10 + i, 50), service_id=f"peer-{i}") for i in range(5)
    }
    return learn_latency_prior(peers, as_of=START + 90 * DAY, lookback_days=90)


@cache
def explained(
    days: int = 90,
    slow: tuple[int, ...] = SLOW,
    shared: bool = False,
    draws: int = 400,
    below: tuple[int, ...] = (),
    fine: bool = False,
) -> tuple[Recommendation, LatencyExplainer]:
    settings = replace(SETTINGS, explanation_draws=draws)
    end = START + days * DAY
    request = LatencyRequest(
        "service-0",
        ComplianceWindow.ROLLING_28D,
        end,
        latency_history(days, slow_days=slow, per_day=1_000, **({"bounds": FINE} if fine else {})),
        end,
        shared_infrastructure=shared,
        waits_for={"db": latency_history(days, seed=99, slow_days=below, service_id="db")} if below else {},
    )
    recommendation, case = recommend_latency_with_case(request, prior(), settings)
    assert isinstance(recommendation, Recommendation)
    assert case is not None

    def enumerated(values: Any, players: int) -> Any:
        return shapley_values(values(coalitions(players)))

    return recommendation, LatencyExplainer(request, case, prior(), settings, enumerated)


@pytest.mark.parametrize(
    "given",
    [{}, {"slow": ()}, {"days": 20, "slow": (3,)}, {"shared": True}, {"draws": 200}, {"below": (30, 50)}],
    ids=["usual", "never slow", "young", "shared", "fewer draws", "slow below"],
)
def test_attributions_sum_to_the_threshold_less_the_reference(given: dict[str, Any]):
    recommendation, explainer = explained(**given)

    explanation = explainer.explain(recommendation)

    assert explanation is not None
    shapley = [part.contribution for part in explanation.attributions if part.feature != "rounding"]
    total = sum(part.contribution for part in explanation.attributions)
    assert explanation.unit == "ms"
    assert explanation.target_value == recommendation.tier(TierName.BALANCED).targets[0].threshold_ms
    assert total == pytest.approx(explanation.target_value - explanation.reference_value, abs=1e-9)
    assert sum(shapley) == pytest.approx(explanation.unrounded_value - explanation.reference_value, abs=1e-9)
    assert_only_facts(explanation)


@pytest.mark.parametrize("kind", [ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99])
@pytest.mark.parametrize("shared", [False, True])
def test_all_groups_together_are_what_the_engine_made_its_target_from(kind: ObjectiveKind, shared: bool):
    _, explainer = explained(shared=shared)
    game = explainer.game(LEVEL, kind)

    value = game.milliseconds(np.ones((1, game.players), bool))[0]

    assert value == pytest.approx(min(explainer.raw_ms(LEVEL, kind), game.most_ms), rel=1e-12)


@pytest.mark.parametrize("shared", [False, True])
def test_slow_spells_of_a_dependency_are_a_group_of_their_own(shared: bool):
    recommendation, explainer = explained(shared=shared, below=(30, 50))
    _, alone = explained(shared=shared)
    game = explainer.game(LEVEL, ObjectiveKind.LATENCY_P95)

    found = explainer.explain(recommendation)

    assert game.from_below.tolist() == [False, True, False]
    assert game.groups == (*alone.game(LEVEL, ObjectiveKind.LATENCY_P95).groups, BELOW)
    assert found is not None
    assert {part.feature: part.contribution for part in found.attributions}[BELOW] > 0.0
    # All groups in: the engine's target, which reads no dependency. Without the group: as had it never been slow.
    everything = np.ones((1, game.players), bool)
    whole = alone.game(LEVEL, ObjectiveKind.LATENCY_P95).milliseconds(everything[:, :-1])
    assert game.milliseconds(everything) == pytest.approx(whole, rel=1e-12)
    without = everything.copy()
    without[0, -1] = False
    days = alone.case.days
    spared = replace(days, shapes=days.shapes[[0, 2]], episode_ages=days.episode_ages[[0, 2]])
    other = replace(alone.game(LEVEL, ObjectiveKind.LATENCY_P95), days=spared, from_below=np.zeros(2, bool))
    assert game.milliseconds(without) == pytest.approx(other.milliseconds(everything[:, :-1]), rel=1e-12)


def test_a_dependency_that_was_slow_at_other_times_is_no_group():
    _, explainer = explained(below=(50, 60))

    assert BELOW not in explainer.game(LEVEL, ObjectiveKind.LATENCY_P95).groups


def test_throttling_is_a_group_only_where_it_is_known():
    calm, noisy = explained()[1], explained(shared=True)[1]

    found = noisy.explain(explained(shared=True)[0])

    assert found is not None
    assert calm.game(LEVEL, ObjectiveKind.LATENCY_P95).players == len(LATENCY_GROUPS) - 1
    assert found.attributions[THROTTLING].feature == "throttling"
    assert found.attributions[THROTTLING].contribution > 0


def test_own_slow_spells_make_the_target_looser_and_their_absence_tighter():
    seldom, often = explained(slow=()), explained(slow=tuple(range(4, 90, 6)))

    first, second = (explainer.explain(recommendation) for recommendation, explainer in (seldom, often))

    assert first is not None
    assert second is not None
    assert first.attributions[0].contribution < 0 < second.attributions[0].contribution


def test_a_full_history_leaves_nothing_to_coverage():
    found = explained()[1].explain(explained()[0])

    assert found is not None
    assert found.attributions[COVERAGE].contribution == pytest.approx(0.0, abs=1e-9)


def test_the_next_bound_is_reached_by_a_service_that_is_so_much_faster():
    recommendation, explainer = explained(slow=())
    found = explainer.explain(recommendation)
    assert found is not None
    faster = next(one for one in found.counterfactuals if one.change.startswith("The next bound"))
    assert faster.before is not None
    assert faster.after is not None
    days = replace(explainer.case.days, scale_seconds=faster.after / 1000.0)

    from sloengine.domain.recommendation.latency_predictive import predict_latency

    predictive = predict_latency(days, explainer.prior, "service-0", explainer.case.numbers, window_days=28.0)
    case = replace(explainer.case, predictive=predictive)
    level = explainer.case.calibration(found.kind, explainer.settings).level_for(LEVEL)
    again = replace(explainer, case=case).raw_ms(level, found.kind)

    assert again == pytest.approx(faster.resulting_target, rel=1e-9)
    assert faster.before == pytest.approx(explainer.case.days.scale_seconds * 1000.0)


@pytest.mark.parametrize("kind", [ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99])
@pytest.mark.parametrize("slow", [SLOW, (5, 12, 13, 30, 44, 60, 61, 70)])
def test_without_slow_spells_is_the_engine_s_target_for_days_that_were_not_slow(
    kind: ObjectiveKind, slow: tuple[int, ...]
):
    """The map, too: it asks less of a service that is believed to get slow less often."""
    _, explainer = explained(slow=slow, fine=True)

    value = explainer.without_slow_spells(TierName.BALANCED, kind)

    days = explainer.case.days
    clean = replace(days, shapes=days.shapes[:0], episode_ages=days.episode_ages[:0], bad=np.zeros_like(days.bad))
    window = latency_window(clean, prior(), "service-0", explainer.case.numbers, window_days=28.0, changed=None)
    tiers, _, _ = latency_tiers(
        replace(explainer.case, days=clean, predictive=window), SETTINGS, ComplianceWindow.ROLLING_28D
    )
    [balanced] = [tier for tier in tiers if tier.name is TierName.BALANCED]
    [threshold] = [one.threshold_ms for one in balanced.targets if one.kind is kind]
    bounds = days.bounds_seconds[:-1] * 1000.0
    assert bounds[bounds >= value * (1 - 1e-9)].min() == pytest.approx(threshold)
