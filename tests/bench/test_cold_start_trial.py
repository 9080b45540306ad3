from __future__ import annotations

import numpy as np
import pytest

from bench.calibration_organizations import World, draw
from bench.cold_start_trial import LEVELS, VARIANTS, YOUNG_DAYS, Trial, graph_of, report, run_trial


@pytest.fixture(scope="module")
def trial() -> Trial:
    return run_trial(seed=3, kinds=1.5, services=30)


def test_every_service_is_asked_about_as_a_young_one(trial: Trial) -> None:
    for days in YOUNG_DAYS:
        quantiles = trial.quantiles[days]
        assert quantiles.shape == (30, len(VARIANTS) + 1, len(LEVELS))
        assert (np.diff(quantiles, axis=2) <= 0).all()
        assert (quantiles[:, VARIANTS.index("shipped")] > 0).all()


def test_the_variants_differ_and_the_shipped_prior_knows_no_organisation(trial: Trial) -> None:
    unknown = trial.quantiles[0]

    assert trial.found.min() >= 2
    assert (trial.share[0] > 0).any()
    assert not np.allclose(unknown[:, 0], unknown[:, 1])


def test_the_oracle_is_the_same_however_little_the_others_know(trial: Trial) -> None:
    assert np.array_equal(trial.quantiles[0][:, -1], trial.quantiles[14][:, -1])


def test_the_report_has_a_line_per_history_and_variant(trial: Trial, capsys: pytest.CaptureFixture[str]) -> None:
    report([trial, trial])

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(YOUNG_DAYS) * (len(VARIANTS) + 3)
    assert sum("oracle" in line for line in lines) == len(YOUNG_DAYS)


def test_a_graph_is_drawn_from_the_kinds_and_never_from_the_rates() -> None:
    org = draw(np.random.default_rng(1), 30, World(services=40, kind_log_sd=1.0))

    graph = graph_of(org, np.random.default_rng(2))

    protocols = {edge.protocol for edge in graph.dependencies}
    assert len(graph.services) == 40
    assert protocols == {"grpc", "postgresql", "kafka"}
