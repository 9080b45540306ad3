from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from sloengine.domain.recommendation.telemetry_checks import TelemetryFindings, inspect
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.topology.dependency import Dependency
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.service import Service
from tests.domain.recommendation.organizations import START

HOUR = timedelta(hours=1)
N = 48


def panel(**rows: tuple[np.ndarray, np.ndarray]) -> SliPanel:
    return SliPanel(
        tuple(rows),
        START,
        HOUR,
        np.array([good for good, _ in rows.values()], dtype=float),
        np.array([total for _, total in rows.values()], dtype=float),
    )


def healthy(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    total = rng.poisson(500, N).astype(float)
    return total - rng.binomial(total.astype(int), 0.002), total


def graph(*pairs: tuple[str, str]) -> DependencyGraph:
    names = dict.fromkeys(name for pair in pairs for name in pair)
    return DependencyGraph(tuple(Service(name) for name in names), tuple(Dependency(a, b) for a, b in pairs))


def check(series: tuple[np.ndarray, np.ndarray], known: DependencyGraph | None = None) -> TelemetryFindings:
    return inspect(panel(front=healthy(), odd=series), known)


def test_a_healthy_series_is_left_alone() -> None:
    series = panel(front=healthy(), quiet=(np.zeros(N), np.zeros(N)))

    findings = inspect(series, None)

    assert not findings.refused
    assert not findings.warnings
    assert np.array_equal(findings.cleaned.good, series.good)


def test_never_succeeding_beside_a_healthy_caller_is_refused_and_kept_as_evidence() -> None:
    findings = check((np.zeros(N), np.full(N, 40.0)), graph(("front", "odd")))

    assert "success rate is 0" in findings.refused["odd"]
    assert "front" in findings.refused["odd"]
    assert np.nansum(findings.cleaned.total[1]) == 40 * N


def test_never_succeeding_is_refused_without_a_graph_too() -> None:
    assert "0 on every" in check((np.zeros(N), np.full(N, 40.0))).refused["odd"]


def test_failing_most_of_the_time_is_believed() -> None:
    good = np.zeros(N)
    good[5] = 3.0

    assert not check((good, np.full(N, 40.0)), graph(("front", "odd"))).refused


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda g, t: (np.full(N, np.nan), t), "column good is empty"),
        (lambda g, t: (g, np.full(N, np.nan)), "column total is empty"),
        (lambda g, t: (np.where(np.arange(N) % 3 == 0, np.nan, g), t), "NaN"),
        (lambda g, t: (np.where(np.arange(N) % 3 == 0, np.inf, g), t), "infinite"),
        (lambda g, t: (g, np.where(np.arange(N) % 5 == 0, -t, t)), "negative"),
        (lambda g, t: (np.where(np.arange(N) % 4 == 0, t * 2, g), t), "more good than total"),
        (lambda g, t: (np.cumsum(g), np.cumsum(t)), "running counter"),
        (lambda g, t: (t * 0.5, t), "exactly 0.5"),
    ],
)
def test_what_cannot_be_true_is_refused_with_a_reason(spoil, said: str) -> None:  # type: ignore[no-untyped-def]
    findings = check(spoil(*healthy(1)))

    assert said in findings.refused["odd"]
    assert "front" not in findings.refused


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda g, t: (np.where(np.arange(N) == 3, np.nan, g), t), "NaN"),
        (lambda g, t: (g, np.where(np.arange(N) == 3, -1.0, t)), "negative"),
        (lambda g, t: (np.where(np.arange(N) == 3, t + 50, g), t), "more good than total"),
    ],
)
def test_a_single_bad_interval_is_left_out_with_a_warning(spoil, said: str) -> None:  # type: ignore[no-untyped-def]
    findings = check(spoil(*healthy(1)))

    assert "odd" not in findings.refused
    assert said in findings.warnings["odd"][0]
    assert np.isnan(findings.cleaned.total[1, 3])
    assert not np.isnan(findings.cleaned.total[1, 4])


def test_rounding_above_the_total_is_cut_in_silence() -> None:
    good, total = healthy(1)

    findings = check((np.where(np.arange(N) == 3, total * 1.0001, good), total))

    assert not findings.refused
    assert not findings.warnings
    assert findings.cleaned.good[1, 3] == total[3]


def test_after_cleaning_every_ratio_is_possible() -> None:
    rng = np.random.default_rng(8)
    wild = rng.normal(0, 100, N), rng.normal(50, 100, N)
    wild[0][::7], wild[1][::5] = np.inf, np.nan

    cleaned = check(wild).cleaned

    known = ~np.isnan(cleaned.total)
    assert (cleaned.good[known] <= cleaned.total[known]).all()
    assert (cleaned.good[known] >= 0).all()
    assert np.isfinite(cleaned.good[known]).all()


def test_no_data_at_all_is_not_bad_telemetry() -> None:
    assert not check((np.full(N, np.nan), np.full(N, np.nan))).refused


def test_a_steady_perfect_service_is_believed() -> None:
    assert not check((np.full(N, 60.0), np.full(N, 60.0))).refused
