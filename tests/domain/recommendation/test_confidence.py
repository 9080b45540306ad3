from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloengine.domain.recommendation.confidence import confidence
from sloengine.domain.recommendation.model import DataQuality, Recommendation, TierName
from sloengine.domain.recommendation.organization_prior import learn_prior
from sloengine.domain.recommendation.recommend_availability import recommend_availability
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.target_change import change_of_balanced
from sloengine.domain.reliability.daily import daily_sums
from tests.domain.recommendation.organizations import DAY, availability_request, organization, with_row

SETTINGS = EngineSettings(n_draws=1_000)


def quality(days: float, completeness: float = 1.0) -> DataQuality:
    return DataQuality(days, completeness, 1e6, cold_start=days < 30)


@given(days=st.floats(0, 365), peers=st.integers(0, 500), promised=st.floats(0, 1), completeness=st.floats(0.1, 1))
def test_it_is_never_above_what_is_promised(days: float, peers: int, promised: float, completeness: float) -> None:
    found = confidence(quality(days, completeness), peers=peers, window_days=28, promised=promised)

    assert 0 <= found <= promised + 5e-4


def test_more_history_more_peers_and_fewer_gaps_never_lower_it() -> None:
    days = [confidence(quality(d), peers=20, window_days=28) for d in (7, 20, 40, 90, 365)]
    peers = [confidence(quality(90), peers=p, window_days=28) for p in (0, 5, 50)]
    gaps = [confidence(quality(90, c), peers=20, window_days=28) for c in (0.3, 0.7, 1.0)]

    for series in (days, peers, gaps):
        assert series == sorted(series)


def test_a_recommendation_is_no_surer_than_its_balanced_target() -> None:
    panel = organization(services=60, days=365)
    request = availability_request(panel)
    prior = learn_prior(panel, as_of=panel.ends_at)

    answer = recommend_availability(request, prior, EngineSettings(n_draws=1_000, lookback_days=365))

    assert isinstance(answer, Recommendation)
    assert answer.confidence <= answer.tier(TierName.BALANCED).targets[0].probability_met
    assert answer.confidence > 0.85


@pytest.mark.parametrize("outage", [False, True])
def test_a_target_stays_while_nothing_happens_and_a_change_names_the_incident(outage: bool) -> None:
    panel = organization(services=12, days=97, seed=4)
    valid = np.full(97, 1e5)
    bad = np.full(97, 5.0)
    if outage:
        bad[93] = 60_000.0
    panel = with_row(panel, "steady", bad, valid)
    answers: list[Recommendation] = []
    for day in range(90, 98):
        as_of = panel.start_at + DAY * day
        previous = answers[-1] if answers else None
        answer = recommend_availability(
            availability_request(panel, "steady", as_of=as_of, now=as_of, previous=previous),
            learn_prior(panel, as_of=as_of),
            SETTINGS,
        )
        assert isinstance(answer, Recommendation)
        answers.append(answer)

    targets = [one.tier(TierName.BALANCED).targets[0].availability_ratio for one in answers]
    moved = [one for one in answers if "Balanced moved" in one.summary]
    if not outage:
        assert len(set(targets)) == 1
        assert moved == []
    else:
        assert targets[4] < targets[3]
        assert moved[0] is answers[4]
        day = panel.start_at + timedelta(days=93)
        assert f"after 1 incident on or since {day:%Y-%m-%d}" in moved[0].summary


@pytest.mark.parametrize("last_day", [93, 94])
def test_an_incident_that_was_over_when_the_earlier_answer_was_made_did_not_move_its_target(last_day: int) -> None:
    """That answer was made when day 93 was over; an incident that went on after it is another matter."""
    valid, bad = np.full(97, 1e5), np.full(97, 5.0)
    bad[93 : last_day + 1] = 60_000.0
    panel = with_row(organization(services=12, days=97, seed=4), "steady", bad, valid)
    as_of = panel.start_at + DAY * 94
    request = availability_request(panel, "steady", as_of=as_of, now=as_of)
    before = recommend_availability(request, learn_prior(panel, as_of=as_of), SETTINGS)
    assert isinstance(before, Recommendation)
    history = daily_sums(panel.select(["steady"]), as_of=panel.ends_at, lookback_days=90)

    said = change_of_balanced(before, (), history)

    assert said is not None
    since = f"{as_of:%Y-%m-%d}."
    ends = {93: f", with no incident of its own since {since}", 94: f" after 1 incident on or since {since}"}
    assert said.endswith(ends[last_day])
