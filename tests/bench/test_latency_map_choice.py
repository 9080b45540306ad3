"""Choices of the latency map are looked at on organisations that they were not learnt on."""

from __future__ import annotations

import numpy as np
import pytest

from bench.latency_map_choice import ASKED, WAYS, held
from bench.shipped_latency_map import LEVELS

FOLDS = np.arange(64) % 8
RATES = np.exp(np.random.default_rng(3).uniform(np.log(0.01), np.log(0.2), (64, 4)))


@pytest.mark.parametrize("name", list(WAYS))
def test_where_the_model_is_right_every_choice_holds_as_often_as_asked(name: str):
    honest = np.broadcast_to(np.array(LEVELS), (64, 4, len(LEVELS)))

    assert held(honest, RATES, FOLDS, WAYS[name]) == pytest.approx(np.tile(ASKED, (64, 1)), abs=0.004)


@pytest.mark.parametrize("name", list(WAYS))
def test_a_part_that_is_unlike_all_others_teaches_nothing_about_itself(name: str):
    shares = np.broadcast_to(np.array(LEVELS), (64, 4, len(LEVELS))).copy()
    shares[FOLDS == 5] *= 0.9

    found = held(shares, RATES, FOLDS, WAYS[name])

    assert found[FOLDS == 5] == pytest.approx(np.tile(np.array(ASKED) * 0.9, (8, 1)), abs=0.01)
    assert (found[FOLDS != 5] > found[FOLDS == 5].max(axis=0)).all()
