"""The trial of bound and blame on organisations small enough for every run; its figures are the bench's."""

from __future__ import annotations

import numpy as np

from bench.bound_trial import ENGINE, GOAL, Judged, judge, report


def test_blame_is_nearer_to_the_truth_than_simple_rules_on_a_small_organisation(capsys):
    found = Judged()
    for seed in (0, 1):
        found.add(judge(seed, services=15, days=30))

    blame = {name: float(np.mean(overlaps)) for name, overlaps in found.blame.items()}
    rules = [value for name, value in blame.items() if not name.startswith(ENGINE)]
    assert len(rules) == 2
    for way in ("edges measured", "edges declared"):
        assert blame[f"{ENGINE}{way}"] > max(rules)
    assert report(found) == []
    assert f"goal {GOAL:.0%}: ok" in capsys.readouterr().out


def test_a_missed_goal_is_reported():
    found = Judged(
        whole={"edges measured": [1.0] * 8 + [1.2] * 2},
        blame={f"{ENGINE}edges measured": [0.7], "largest z-score": [0.7]},
    )

    missed = report(found)

    assert len(missed) == 2
    assert "80.0% within 10 %" in missed[0]
    assert "no better than the best simple rule" in missed[1]
