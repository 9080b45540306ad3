"""The bench of targets on record."""

from __future__ import annotations

import pickle

from bench.accuracy_stored import TIERS, judge_stored
from sloengine.domain.recommendation.settings import EngineSettings


def test_two_processes_judge_every_tier_of_every_organisation():
    rows = judge_stored(2, 1, 2)

    assert [row.tier for row in rows] == list(TIERS)
    assert all(0 < row.cases <= 2 * 14 and 0.0 <= row.held <= 1.0 for row in rows)


def test_settings_are_the_same_in_another_process():
    settings = EngineSettings(highest_level=0.99)

    again = pickle.loads(pickle.dumps(settings))  # noqa: S301  our own bytes

    assert again == settings
    assert again.text == settings.text
