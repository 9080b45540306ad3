from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.confidence_bands import bands, sure
from bench.whole_pipeline import TIERS, Judged, by_confidence, judge, summarize, worst
from bench.whole_pipeline_worlds import play_world


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("futures")


@pytest.fixture(scope="module")
def judged(kept: Path) -> Judged:
    return judge(103, 30, 13, 12, kept)


def test_every_service_is_judged_in_every_tier_beside_an_oracle(judged: Judged):
    rows = summarize([judged, replace(judged, seed=104)])

    assert [row.tier for row in rows] == list(TIERS)
    assert len(judged.held) >= 9  # two of thirteen are providers without telemetry
    for row in rows:
        assert 0 < row.held <= 1
        assert 0 < row.oracle_held <= 1
        assert row.price > 0
        assert row.difference.low is not None
    assert len(worst([judged])) == 1


def test_futures_are_read_again_and_are_the_same_for_any_history(judged: Judged, kept: Path):
    assert len(list(kept.iterdir())) == 1

    short, long = (play_world(103, days, 13, 12, kept) for days in (14, 60))

    assert np.array_equal(short.futures, long.futures)
    assert np.array_equal(short.came, long.came, equal_nan=True)
    assert short.panel.total.shape[1] == 14 * 24
    assert np.array_equal(long.panel.total[:, -14 * 24 :], short.panel.total, equal_nan=True)
    assert not (short.futures == short.came[:, None]).all(axis=1).any()


def test_confidence_is_judged_in_bands_by_the_balanced_tier(judged: Judged):
    found, _ = by_confidence([judged, replace(judged, seed=104)])

    assert sum(one.recommendations for one in found) == 2 * (~np.isnan(judged.held[:, 1])).sum()


def test_bands_hold_what_lies_in_them_and_the_sure_are_those_that_rules_ask_for():
    confidence = np.array([0.3, 0.84, 0.85, 0.9, 0.95, 0.95])
    held = np.array([1.0, 0.0, 0.5, 1.0, 0.0, np.nan])
    organization = np.arange(6)

    found = bands(confidence, held, organization)

    assert [(one.low, one.recommendations, one.held.value) for one in found] == [
        (0.0, 1, 1.0),
        (0.8, 1, 0.0),
        (0.85, 1, 0.5),
        (0.9, 2, 0.5),
    ]
    surest = sure(confidence, held, organization)
    assert surest is not None
    assert surest.recommendations == 3
    assert surest.held.value == pytest.approx(0.5)
    assert sure(np.array([0.5]), np.array([1.0]), np.zeros(1, dtype=np.int64)) is None


def test_without_the_graph_the_same_services_are_judged_by_the_same_futures(judged: Judged, kept: Path):
    alone = judge(103, 30, 13, 12, kept, alone=True)

    assert alone.held.shape == judged.held.shape
    assert (alone.confidence >= judged.confidence).all()  # what is assumed of a graph takes confidence away
    assert np.isclose(np.nanmean(alone.oracle_held), np.nanmean(judged.oracle_held), atol=0.05)
