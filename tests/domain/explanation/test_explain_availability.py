from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest

from sloengine.domain.explanation.own_groups import COVERAGE, OWN_GROUPS, TRAFFIC
from sloengine.domain.explanation.reference import Reference
from sloengine.domain.explanation.shapley import coalitions
from sloengine.domain.recommendation.behaviour_change import BehaviourChange
from sloengine.domain.recommendation.model import CompositeBound, Explanation, Recommendation, Tier, TierName
from sloengine.domain.recommendation.recommend_availability import (
    availability_predictive,
    recommend_availability,
)
from sloengine.domain.reliability.daily import daily_sums
from sloengine.domain.reliability.panel import FloatArray, SliPanel
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.inherited_failure import InheritedFailure
from sloengine.domain.topology.joint_draws import DrawnSources
from tests.domain.explanation.cases import CALLS, END, SETTINGS, Case, case_of, shop_panel

DAY = timedelta(days=1)


@cache
def shop(service_id: str, seed: int = 0) -> Case:
    return case_of(service_id, shop_panel(seed))


def total(explanation: Explanation) -> float:
    return sum(part.contribution for part in explanation.attributions)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("service_id", CALLS)
def test_attributions_sum_to_the_target_less_the_reference(service_id: str, seed: int):
    explanation = shop(service_id, seed).explain()
    shapley = [part.contribution for part in explanation.attributions if part.feature != "rounding"]

    assert total(explanation) == pytest.approx(explanation.target_value - explanation.reference_value, abs=1e-9)
    assert sum(shapley) == pytest.approx(explanation.unrounded_value - explanation.reference_value, abs=1e-9)


@pytest.mark.parametrize("window", [ComplianceWindow.ROLLING_7D, ComplianceWindow.CALENDAR_QUARTER])
def test_they_do_so_over_other_windows_and_with_fewer_draws(window: ComplianceWindow):
    few = replace(SETTINGS, explanation_draws=200)
    explanation = case_of("front", shop_panel(), window=window, settings=few).explain()

    assert total(explanation) == pytest.approx(explanation.target_value - explanation.reference_value, abs=1e-9)


@pytest.mark.parametrize("service_id", CALLS)
def test_all_groups_together_are_what_the_engine_made_its_target_from(service_id: str):
    case = shop(service_id)
    own = np.quantile(case.case.predictive.unavailability, case.level, method="higher")
    composite = case.case.caps.composite
    caps = [own] if composite is None else [own, np.quantile(composite, case.level, method="higher")]

    game = case.explainer.game(case.level, case.explainer._dependencies())
    value = game.unavailability(np.ones((1, game.players), bool))[0]

    assert value == pytest.approx(max(caps), rel=1e-12)
    assert case.rerun().before_traffic_limit() == pytest.approx(max(caps), rel=1e-12)


def test_taking_a_dependency_out_of_the_game_is_running_the_engine_without_it():
    case = shop("front")
    rerun = case.rerun()
    assert rerun.dependencies is not None
    parts = rerun.dependencies.parts
    game = case.explainer.game(case.level, rerun.dependencies)

    for place in range(len(parts)):
        coalition = np.ones((1, game.players), bool)
        coalition[0, len(OWN_GROUPS) + place] = False
        factors = rerun.dependencies.factors([float(i != place) for i in range(len(parts))])

        expected = rerun.before_traffic_limit(by_source=factors)
        assert game.unavailability(coalition)[0] == pytest.approx(expected, rel=1e-9)


def test_a_dependency_has_the_days_on_which_it_was_seen_to_fail_the_service():
    case = shop("front")
    dependencies = case.explainer._dependencies()
    bound = case.request.bound

    named = [part.service_id for part in dependencies.parts if part.service_id is not None]
    traced = bound.failures_by_cause(named)
    by_day = daily_sums(traced, as_of=traced.ends_at, lookback_days=dependencies.failures.shape[1]).bad

    assert named
    assert dependencies.failures.sum(axis=0) == pytest.approx(case.case.history.bad[0])
    for row, name in enumerate(named):
        given = dependencies.failures[1 + [part.service_id for part in dependencies.parts].index(name)]
        assert np.abs(given - by_day[row]).sum() < 0.05 * by_day[row].sum()


def test_a_usual_service_gets_the_reference():
    case = shop("db")
    game = case.explainer.game(case.level, None)
    none = game.unavailability(np.zeros((1, game.players), bool))[0]

    assert 100 * (1 - none) == pytest.approx(case.explain().reference_value, abs=0.05)


def test_what_is_as_usual_contributes_nothing():
    case = shop("db")
    days = float(case.case.history.exposure.sum())
    traffic = case.case.daily_traffic
    usual = Reference.of_organization(case.prior, "db", history_days=days)
    explainer = replace(case.explainer, reference=replace(usual, daily_traffic=traffic))

    found = explainer.explain(case.recommendation)

    assert found is not None
    assert found.attributions[COVERAGE].contribution == pytest.approx(0.0, abs=1e-9)
    assert found.attributions[TRAFFIC].contribution == pytest.approx(0.0, abs=1e-9)


def test_a_worse_record_lowers_what_own_reliability_adds():
    panel = shop_panel()
    row = panel.rows["db"]
    worse = panel.good.copy()
    worse[row] = np.maximum(worse[row] - 0.002 * panel.total[row], 0.0)
    before = shop("db").explain()
    after = case_of("db", replace(panel, good=worse)).explain()

    assert after.attributions[0].contribution < before.attributions[0].contribution


def test_little_history_is_said_to_cost():
    young = case_of("db", shop_panel(days=14))

    coverage = young.explain().attributions[COVERAGE]

    assert coverage.feature == "data coverage"
    assert coverage.contribution < 0.0


def test_little_traffic_is_said_to_cost():
    thin = case_of("db", shop_panel(volume=2.0))

    explanation = thin.explain()

    assert explanation.attributions[TRAFFIC].contribution == min(
        part.contribution for part in explanation.attributions if part.feature != "rounding"
    )
    assert "cannot be tested" in explanation.counterfactuals[0].change


def test_a_soft_call_moves_the_target_less_than_a_hard_one():
    for seed in range(3):
        panel = shop_panel(seed)
        hard = case_of("cart", panel)
        soft = case_of("cart", panel, soft=("cart>db",))

        assert abs(of_dependency(soft, "db")) < abs(of_dependency(hard, "db"))
        assert without(soft) < without(hard)
        # One more nine of the dependency: a tenth of its failures stays.
        assert 0.0 <= without(soft, stays=0.1, of="db") < without(hard, stays=0.1, of="db")


@pytest.mark.parametrize("seed", range(3))
def test_so_it_is_two_calls_away_and_where_the_dependency_fails_often(seed: int):
    """The call in between is soft or hard; the nine is that of what lies below it."""
    panel = shop_panel(seed, outages_of_db=20)
    hard, soft = (case_of("front", panel, soft=calls) for calls in ((), ("front>cart",)))

    assert without(soft, stays=0.1, of="db") <= without(hard, stays=0.1, of="db")
    assert without(hard, stays=0.1, of="db") > 0.0


def of_dependency(case: Case, service_id: str) -> float:
    return sum(p.contribution for p in case.explain().attributions if p.service_id == service_id)


def without(case: Case, *, stays: float = 0.0, of: str | None = None) -> float:
    """How much better the unrounded target is when only this part of one's failures stays, or of everybody's."""
    rerun = case.rerun()
    if rerun.dependencies is None:
        return 0.0
    named = [part.service_id for part in rerun.dependencies.parts]
    kept = [stays if of is None or name == of else 1.0 for name in named]
    return rerun.unavailability() - rerun.unavailability(by_source=rerun.dependencies.factors(kept))


@dataclass(frozen=True)
class Changed:
    """The composite bound of a changed world, composed anew from the same sources."""

    bound: CompositeBound
    drawn: DrawnSources
    world: InheritedFailure
    own: FloatArray
    promised_ratio: float | None = None

    def joint_draws(self, n: int, rng: np.random.Generator) -> FloatArray:
        return self.drawn.composed(self.own, self.world)


@pytest.mark.parametrize("share", [0.0, 0.35])
def test_a_counterfactual_is_the_whole_engine_on_changed_telemetry(share: float):
    """The failures that a dependency answers for are taken out of the series; then everything runs as always."""
    case = shop("cart")
    rerun = case.rerun()
    assert rerun.dependencies is not None
    history, failures = case.case.history, rerun.dependencies.failures
    bad = (failures[0] + share * failures[1])[None, :]
    panel = SliPanel(("cart",), history.ends_at - history.n_days * DAY, DAY, history.valid - bad, history.valid)
    factors = rerun.dependencies.factors([share])
    alone = replace(case.request, panel=panel, bound=None)
    predictive = availability_predictive(alone, case.prior, SETTINGS)
    assert predictive is not None
    assert case.request.bound is not None
    world = rerun.dependencies.inherited.scaled(factors)
    bound = Changed(case.request.bound.bound, rerun.dependencies.drawn, world, predictive.unavailability)

    whole = recommend_availability(replace(alone, bound=bound), case.prior, SETTINGS)

    assert isinstance(whole, Recommendation)
    expected = whole.tier(TierName.BALANCED).targets[0].availability_ratio
    assert rerun.published(by_source=factors) == expected
    if share == 0.0:
        said = next(c for c in case.explain().counterfactuals if c.service_id == "db" and c.after == 100.0)
        assert said.resulting_target == pytest.approx(100.0 * (expected or 0.0))


def test_one_more_nine_is_reached_by_the_change_and_not_by_less():
    case = case_of("cart", shop_panel(outages_of_db=50))
    rerun = case.rerun()
    assert rerun.dependencies is not None
    target = case.recommendation.tier(TierName.BALANCED).targets[0].availability_ratio
    assert target is not None

    improved, *_ = (said for said in case.explain().counterfactuals if said.service_id == "db" and said.feasible)

    assert improved.change.startswith("One more nine (")
    assert improved.resulting_target >= 100.0 - (100.0 - 100.0 * target) / 10.0 - 1e-9
    assert improved.before is not None
    assert improved.after is not None
    stays = (100.0 - improved.after) / (100.0 - improved.before)
    assert 0.0 <= stays < 1.0
    reached = [rerun.published(by_source=rerun.dependencies.factors([share])) for share in (stays, stays + 0.001)]
    assert reached[0] == pytest.approx(improved.resulting_target / 100.0)
    assert (reached[1] or 0.0) < 1.0 - (1.0 - target) / 10.0 - 1e-9


def test_the_same_inputs_explain_themselves_the_same():
    assert case_of("front", shop_panel()).explain() == shop("front").explain()


def test_coalitions_of_a_service_that_calls_nothing_are_its_own_groups():
    game = shop("db").explainer.game(shop("db").level, shop("db").explainer._dependencies())

    assert game.dependencies is None
    assert len(coalitions(game.players)) == 32


@pytest.mark.parametrize("service_id", ["cart", "db"])
def test_few_windows_stand_for_all(service_id: str):
    """Windows that can decide a coalition's value are all in; the others are represented."""
    exact = case_of(service_id, shop_panel(), settings=replace(SETTINGS, n_draws=2_000, explanation_draws=2_000))
    few = case_of(service_id, shop_panel(), settings=replace(SETTINGS, n_draws=2_000, explanation_draws=300))

    ours, theirs = few.explain(), exact.explain()

    largest = max(abs(part.contribution) for part in theirs.attributions)
    assert few.explainer.game(few.level, None).numbers.n < 1_500
    assert ours.unrounded_value == theirs.unrounded_value
    for one, other in zip(ours.attributions, theirs.attributions, strict=True):
        assert one.contribution == pytest.approx(other.contribution, abs=0.15 * largest)


def test_a_confirmed_change_has_a_line_of_its_own():
    panel = shop_panel()
    row, since = panel.rows["db"], panel.total.shape[1] - 5 * 24
    worse = panel.good.copy()
    worse[row, since:] *= 0.99
    worsened = replace(panel, good=worse)
    change = BehaviourChange(END - timedelta(days=5), is_worse=True, what="99.99 % before, 99 % since")

    told, untold = case_of("db", worsened, changed=change).explain(), case_of("db", worsened).explain()

    line = next(part for part in told.attributions if part.feature == "confirmed change")
    assert line.contribution < 0
    assert total(told) == pytest.approx(told.target_value - told.reference_value, abs=1e-9)
    assert told.unrounded_value == pytest.approx(untold.unrounded_value + line.contribution, abs=1e-9)
    assert [p.contribution for p in told.attributions[:5]] == [p.contribution for p in untold.attributions[:5]]


def test_what_a_target_on_record_differs_by_is_not_called_rounding():
    fresh = shop("front")
    looser = 0.96

    def on_record(tier: Tier) -> Tier:
        return replace(tier, targets=(replace(tier.targets[0], availability_ratio=looser),))

    before = replace(fresh.recommendation, tiers=tuple(map(on_record, fresh.recommendation.tiers)))
    wide = replace(SETTINGS, anti_flap=(0.5, 0.5), highest_level=0.9999)

    kept = case_of("front", shop_panel(), settings=wide, previous=before).explain()

    lines = {part.feature: part.contribution for part in kept.attributions if part.service_id is None}
    assert kept.target_value == pytest.approx(100 * looser)
    assert lines["rounding"] == pytest.approx(fresh.explain().attributions[-1].contribution)
    assert lines["target on record"] == pytest.approx(kept.target_value - fresh.explain().target_value)
    assert total(kept) == pytest.approx(kept.target_value - kept.reference_value, abs=1e-9)
