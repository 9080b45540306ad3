"""How long an organisation's slow spells last beside usual ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.latency_organizations import SlowWorld, play
from bench.latency_trial import DAY, START
from sloengine.domain.recommendation.latency_days import AT_BASE
from sloengine.domain.recommendation.latency_prior import LatencyPrior, learn_latency_prior
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.recommendation.recommend_latency import latency_case
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.spell_lengths import LEAST_DAYS, USUAL_DAYS, length_beside_usual
from sloengine.domain.reliability.window import ComplianceWindow

DAYS = st.lists(st.floats(1e-6, 10.0), min_size=1, max_size=12)


def test_it_is_the_mean_of_a_normal_law_with_a_normal_prior():
    """Precisions add: of the prior, 2 / s², and of n observations, n / s²."""
    days = np.array([0.2, 0.4, 1.0])
    sample, sd = np.log(days / USUAL_DAYS), 1.7
    precisions = 2 / sd**2, 3 / sd**2

    found = length_beside_usual(days, np.arange(3), 3.0)

    expected = (precisions[0] * 0.0 + precisions[1] * sample.mean()) / sum(precisions)
    assert np.log(found) == pytest.approx(expected)


def test_spells_that_are_one_observation_move_it_as_one():
    days, owner = np.full(20, 1.0), np.arange(20)

    together, apart = (length_beside_usual(days, owner, n) for n in (1.0, 20.0))

    assert together == pytest.approx(length_beside_usual(days[:1], owner[:1], 1.0))
    assert together < apart < 1.0 / USUAL_DAYS


@given(days=DAYS, which=st.integers(0, 11), longer=st.floats(1.0, 20.0), n=st.floats(0.0, 40.0))
def test_a_longer_spell_never_makes_them_shorter(days: list[float], which: int, longer: float, n: float):
    owner = np.arange(len(days)) % 3
    changed = np.array(days)
    changed[which % len(days)] *= longer

    before, after = (length_beside_usual(one, owner, n) for one in (np.array(days), changed))

    assert after >= before * (1 - 1e-12)
    assert before >= LEAST_DAYS / USUAL_DAYS * (1 - 1e-12)


def learnt(span: float) -> tuple[LatencyPrior, LatencyRequest]:
    """An organisation of a fortnight, and the question for its first service."""
    played = play(31, 14, 0, world=SlowWorld(span=span))
    as_of = START + DAY * 14
    history = played.histories["service-0"]
    request = LatencyRequest("service-0", ComplianceWindow.ROLLING_28D, as_of, history, as_of)
    return learn_latency_prior(played.histories, as_of=as_of), request


def test_an_organisation_with_long_spells_counts_each_for_more():
    usual, long = (learnt(span)[0].spell_weight for span in (1.0, 4.0))

    assert LatencyPrior.shipped().spell_weight == 1.0
    assert long > 1.5 * usual


@pytest.mark.parametrize("kind", [ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99])
def test_where_spells_last_longer_no_map_asks_less(kind: ObjectiveKind):
    prior, request = learnt(1.0)
    settings = EngineSettings(n_latency_draws=200)
    longer = replace(prior, shapes=prior.shapes * 3.0)

    cases = [latency_case(request, one, settings) for one in (prior, longer)]

    before, after = (case.calibration(kind, settings) for case in cases if case is not None)
    assert (longer.excess_days == 3.0 * prior.shapes[:, AT_BASE]).all()
    for asked in (0.8, 0.92):
        assert after.level_for(asked) > before.level_for(asked)
    assert after.level_for(0.98) >= before.level_for(0.98)
