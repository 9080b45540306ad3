"""Choices of the latency map are looked at on organisations that they were not learnt on."""

from __future__ import annotations

import numpy as np
import pytest

from bench.latency_map_choice import ASKED, WAYS, held
from bench.shipped_latency_map import LEVELS, steps

FOLDS = np.arange(64) % 8
KINDS = np.where(np.arange(64) < 32, -1, np.arange(64) % 4)
SPELLS = np.exp(np.random.default_rng(3).uniform(np.log(0.01), np.log(0.2), (64, 4)))


@pytest.mark.parametrize("name", list(WAYS))
def test_where_the_model_is_right_every_choice_holds_as_often_as_asked(name: str):
    """In the mean: with a tilt those with many spells hold more often, and others less."""
    honest = np.broadcast_to(np.array(LEVELS), (64, 4, len(LEVELS)))

    found = held(honest, SPELLS, KINDS, FOLDS, WAYS[name]).mean(axis=1)

    assert found.mean(axis=0) == pytest.approx(ASKED, abs=0.012)
    order = np.argsort(steps(SPELLS).mean(axis=1))
    few, many = found[order[:10]].mean(axis=0), found[order[-10:]].mean(axis=0)
    if "tilted" in name:
        assert (many - few > np.array([0.003, 0.015, 0.03])).all()
    else:
        assert few == pytest.approx(many, abs=0.004)


@pytest.mark.parametrize("name", list(WAYS))
def test_a_part_that_is_unlike_all_others_teaches_nothing_about_itself(name: str):
    shares = np.broadcast_to(np.array(LEVELS), (64, 4, len(LEVELS))).copy()
    same = np.exp(np.random.default_rng(4).uniform(np.log(0.02), np.log(0.08), (64, 4)))
    shares[FOLDS == 5] *= 0.9

    found = held(shares, same, KINDS, FOLDS, WAYS[name]).mean(axis=1)

    assert found[FOLDS == 5] == pytest.approx(np.tile(np.array(ASKED) * 0.9, (8, 1)), abs=0.03)
    assert (found[FOLDS != 5] > found[FOLDS == 5].max(axis=0)).all()
