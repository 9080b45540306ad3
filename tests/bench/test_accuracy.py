from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.accuracy_forecasts import BUDGETS, DAY, START, Forecasts, Trial, forecast, panel_of
from bench.accuracy_judging import TIERS, judge, judge_rules, publish
from bench.calibration_organizations import World, draw
from sloengine.domain.recommendation.availability_calibration import AvailabilityCalibration
from sloengine.domain.recommendation.calibration import CalibrationMap
from sloengine.domain.recommendation.model import Recommendation
from sloengine.domain.recommendation.organization_prior import learn_prior
from sloengine.domain.recommendation.recommend_availability import recommend_availability
from sloengine.domain.recommendation.request import AvailabilityRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.window import ComplianceWindow

TRIAL = Trial(3, 30, World(services=12))


@pytest.fixture(scope="module")
def made() -> Forecasts:
    return forecast(TRIAL)


@pytest.mark.parametrize("calibration", [CalibrationMap(), CalibrationMap.beta(1.2, 0.8, "test")])
def test_what_the_bench_judges_is_what_the_engine_publishes(made: Forecasts, calibration: CalibrationMap):
    settings = EngineSettings(availability_calibration=AvailabilityCalibration.always(calibration))
    random = np.random.default_rng([TRIAL.seed, TRIAL.days, TRIAL.horizon])
    org = draw(random, TRIAL.days, TRIAL.world, TRIAL.horizon)
    panel, as_of = panel_of(org.bad[:, :30], org.valid[:, :30]), START + DAY * 30
    prior = learn_prior(panel, as_of=as_of)
    window = ComplianceWindow.ROLLING_28D

    for row, service_id in enumerate(panel.service_ids):
        answer = recommend_availability(
            AvailabilityRequest(service_id, window, as_of, panel, as_of), prior, settings
        )
        assert isinstance(answer, Recommendation)
        for name in TIERS:
            level = calibration.level_for(settings.nominal_probability[name])
            said = publish(made.engine, level, made.requests, settings)
            tier = answer.tier(name)
            assert said.missing[row] == (not tier.targets)
            if tier.targets:
                ratio = tier.targets[0].availability_ratio
                assert ratio == pytest.approx(1 - BUDGETS[said.position[row]], abs=1e-12)


def test_every_rule_and_tier_is_judged(made: Forecasts, tmp_path: Path):
    made.save(tmp_path / "raw.npz")
    again = Forecasts.load(tmp_path / "raw.npz")
    two = Forecasts.together([again, forecast(Trial(4, 30, World(services=12)))])

    results, rules = judge(two, EngineSettings()), judge_rules(two, EngineSettings())

    assert [result.tier for result in results] == list(TIERS)
    assert all(result.difference.low is not None and result.price > 0 for result in results)
    for result in results:
        # One window of 24 services is a coin toss beside the thousands that their truth allows.
        assert abs(result.expected_difference.value) < 0.2
        assert result.expected_difference.high - result.expected_difference.low < 1
    assert len(rules) == 5 * len(TIERS)


def test_the_short_form_says_that_it_is_one():
    asked = [sys.executable, "-m", "bench.accuracy", "usual", "--quick", "--organizations", "2", "--services", "3"]
    ran = subprocess.run([*asked, "--workers", "1"], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
    assert "SHORT FORM" in ran.stdout
    assert "beside own bootstrap" in ran.stdout
