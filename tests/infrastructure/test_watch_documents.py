from __future__ import annotations

import numpy as np
import orjson
import pytest

from sloengine.domain.drift.baseline import RULES
from sloengine.domain.drift.model import HourlySeries
from sloengine.domain.drift.watch import advance, begin, is_due
from sloengine.infrastructure.learning.change_detectors import RiverChangeDetectors
from sloengine.infrastructure.watch_documents import StoredWatch, pack, unpack

FIRST = 490_896


def stored_before_rules_had_a_number() -> StoredWatch:
    """As written by versions in which a gap was not carried across."""
    head = {
        "fittedTo": FIRST + 1_344,
        "memory": [0.5, 0.25],
        "startRatio": 0.8,
        "reach": 4.0,
        "noise": 1e-6,
        "expectedRatio": None,
        "slots": 24,
    }
    text = orjson.dumps(head)
    arrays = np.zeros(24, "<f8").tobytes() + np.linspace(-3, 3, 1_340).astype("<f4").tobytes()
    state = {
        "reached": FIRST + 1_344,
        "learntFrom": FIRST,
        "judgedFrom": FIRST + 1_344,
        "before": [0.5, None],
        "restarts": {"PAGE_HINKLEY": FIRST + 840, "ADWIN": FIRST + 840},
        "votes": {},
    }
    scores = np.zeros(504, "<i2").tobytes()
    return StoredWatch(orjson.dumps(state).decode(), scores, len(text).to_bytes(4, "little") + text + arrays)


def test_a_watch_comes_back_as_it_was_and_its_baseline_with_the_rules_it_was_learnt_by():
    random = np.random.default_rng(1)
    values = random.standard_normal(1_500)
    values[random.random(1_500) > 0.4] = np.nan
    series = HourlySeries(FIRST, values, None, 1e-6)
    watch = begin(series, series.ends, judged=150)
    assert watch is not None
    watch, _ = advance(watch, series, series.ends, RiverChangeDetectors())

    back = unpack(pack(watch))

    assert back.baseline is not None
    assert back.baseline.rules == RULES
    np.testing.assert_array_equal(back.before, watch.before)
    np.testing.assert_array_equal(back.scores, watch.scores)


def test_a_baseline_that_was_stored_before_rules_had_a_number_is_read_and_learnt_anew():
    watch = unpack(stored_before_rules_had_a_number())
    values = np.random.default_rng(2).standard_normal(1_344 + 48)
    values[::3] = np.nan
    series = HourlySeries(FIRST, values, None, 1e-6)

    after, changes = advance(watch, series, series.ends, RiverChangeDetectors())

    assert watch.baseline is not None
    assert watch.baseline.rules == 1
    assert watch.before.tolist() == pytest.approx([0.5, np.nan], nan_ok=True)
    assert is_due(watch, 0)
    assert after.baseline is not None
    assert (after.baseline.rules, after.baseline.fitted_to) == (RULES, FIRST + 1_344)
    assert changes == ()


def test_what_versions_before_read_is_still_written():
    watch = unpack(stored_before_rules_had_a_number())

    baseline = pack(watch).baseline

    assert baseline is not None
    size = int.from_bytes(baseline[:4], "little")
    written = orjson.loads(baseline[4 : 4 + size])
    assert written["startRatio"] == 0.8
