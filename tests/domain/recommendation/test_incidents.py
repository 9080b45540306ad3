from __future__ import annotations

import numpy as np
import pytest

from sloengine.domain.recommendation.incidents import split_incidents
from sloengine.domain.reliability.daily import DailyHistory
from tests.domain.recommendation.organizations import START


def history(bad: list[list[float]], valid: float = 10_000.0) -> DailyHistory:
    failures = np.array(bad, dtype=float)
    return DailyHistory(
        tuple(map(str, range(len(failures)))),
        START,
        failures,
        np.full_like(failures, valid),
        np.ones_like(failures),
    )


def test_adjoining_incident_days_are_one_episode() -> None:
    split = split_incidents(history([[1, 0, 500, 300, 1, 0, 0, 200, 1, 0]]))

    assert split.severity.tolist() == pytest.approx([0.08, 0.02], abs=2e-4)
    assert split.length.tolist() == [2, 1]
    assert split.age.tolist() == [7.5, 2.5]


def test_a_few_failures_every_day_are_no_incident() -> None:
    split = split_incidents(history([[5, 7, 3, 6, 9, 4, 5, 8]]))

    assert split.severity.size == 0
    assert split.base_bad[0] == 47


def test_one_failure_of_few_requests_is_no_incident() -> None:
    assert split_incidents(history([[0, 1, 0, 0, 0]], valid=20.0)).severity.size == 0
    assert split_incidents(history([[0, 2, 0, 0, 0]], valid=20.0)).severity.size == 1


def test_services_do_not_share_episodes() -> None:
    split = split_incidents(history([[0, 0, 900], [900, 0, 0]]))

    assert split.owner.tolist() == [0, 1]
    assert split.running.tolist() == [True, False]


def test_a_quiet_night_outage_weighs_as_its_traffic() -> None:
    valid = np.full((1, 15), 10_000.0)
    valid[0, 7] = 1_000.0
    bad = np.zeros((1, 15))
    bad[0, 7] = 1_000.0

    split = split_incidents(DailyHistory(("s",), START, bad, valid, np.ones((1, 15))))

    # A whole day down, but a day of a tenth of the traffic.
    assert split.severity[0] == pytest.approx(1_000 / (14 * 10_000 + 1_000) * 15, rel=1e-9)


def test_a_service_that_always_fails_half_has_no_incidents() -> None:
    assert split_incidents(history([[5_000, 5_100, 4_900, 5_050]])).severity.size == 0


def test_no_days_are_no_incidents() -> None:
    split = split_incidents(DailyHistory(("s",), START, np.zeros((1, 0)), np.zeros((1, 0)), np.zeros((1, 0))))

    assert split.severity.size == 0
    assert split.base_valid.tolist() == [0.0]
