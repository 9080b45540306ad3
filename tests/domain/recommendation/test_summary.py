from __future__ import annotations

import re

import numpy as np
import pytest

from sloengine.domain.recommendation.model import Recommendation, TierName
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, learn_prior
from sloengine.domain.recommendation.recommend import recommend_availability
from sloengine.domain.recommendation.settings import EngineSettings
from tests.domain.recommendation.organizations import DAY, availability_request, organization, with_row

PANEL = organization()
PRIOR = learn_prior(PANEL, as_of=PANEL.ends_at)


def recommended(panel, prior=PRIOR, service_id: str = "service-0") -> Recommendation:  # type: ignore[no-untyped-def]
    result = recommend_availability(availability_request(panel, service_id), prior, EngineSettings())
    assert isinstance(result, Recommendation)
    return result


def cases() -> list[Recommendation]:
    cut = PANEL.between(PANEL.ends_at - 3 * DAY, PANEL.ends_at)
    one = PANEL.between(PANEL.ends_at - 40 * DAY, PANEL.ends_at)
    quiet = with_row(PANEL, "quiet", np.zeros(90), np.full(90, 30.0))
    return [
        *(recommended(PANEL, service_id=name) for name in PANEL.service_ids[:8]),
        recommended(cut),
        recommended(cut, OrganizationPrior.shipped()),
        recommended(one),
        recommended(quiet, service_id="quiet"),
    ]


@pytest.mark.parametrize("result", cases(), ids=lambda r: r.service_id)
def test_every_target_in_the_summary_is_one_of_the_tiers_and_every_tier_is_in_it(result: Recommendation) -> None:
    said = {float(figure) for figure in re.findall(r"([\d.]+) % of requests succeed", result.summary)}

    published = {
        round(t.availability_ratio * 100, 9) for tier in result.tiers for t in tier.targets if t.availability_ratio
    }
    assert said == published


@pytest.mark.parametrize("result", cases(), ids=lambda r: r.service_id)
def test_probabilities_are_never_said_higher_than_they_are(result: Recommendation) -> None:
    said = [int(n) for n in re.findall(r"(\d+) of 100 windows", result.summary)]

    shown = [tier.targets[0].probability_met for tier in result.tiers if tier.targets]
    assert sorted(said) == sorted(int(p * 100 + 1e-9) for p in shown)
    assert 100 not in said


def test_the_past_is_told_as_it_was() -> None:
    bad, valid = np.zeros(90), np.full(90, 1e5)
    bad[80] = 9e4
    result = recommended(with_row(PANEL, "me", bad, valid), service_id="me")

    replayed = result.tier(TierName.BALANCED).targets[0].backtest
    assert replayed is not None
    assert (replayed.windows, replayed.met) in {(3, 2), (3, 3)}
    expected = "2 of 3 past windows kept it" if replayed.met == 2 else "All 3 past windows kept it"
    assert expected in result.summary


def test_without_a_whole_window_it_says_on_what_the_promise_rests() -> None:
    cut = PANEL.between(PANEL.ends_at - 3 * DAY, PANEL.ends_at)

    assert "not one whole window" in recommended(cut).summary
    assert "a shipped default assumes" in recommended(cut, OrganizationPrior.shipped()).summary
