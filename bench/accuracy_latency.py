"""Latency promises against what came, on organisations with slow spells nobody told the engine of."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from bench.latency_trial import KINDS, LatencyTrial, run_trial
from sloengine.application.accuracy.measure_accuracy import WINDOWS
from sloengine.cli.accuracy_text import spread_text
from sloengine.domain.accuracy.clustered import ClusteredMean, clustered_mean
from sloengine.domain.recommendation.model import ObjectiveKind, TierName


@dataclass(frozen=True)
class LatencyResult:
    """One tier and percentile. ``excess``: median threshold over what would have been needed."""

    kind: ObjectiveKind
    tier: TierName
    windows: int
    held: float
    over_promise: ClusteredMean
    excess: float

    def text(self) -> str:
        """One line."""
        return (
            f"{self.kind[-3:].lower()} {self.tier:<12} holds {self.held:6.1%}  "
            f"P(met) less held {spread_text(self.over_promise)}  threshold {self.excess:.2f} x the needed"
        )


def judge_latency(
    organizations: int, services: int, horizon: int, workers: int, days: int = 30
) -> list[LatencyResult]:
    """All kinds and tiers, fine buckets. ``days``: of history; ``horizon``: of the window."""
    jobs = [(seed, services, horizon, days) for seed in range(max(2, organizations))]
    with ProcessPoolExecutor(workers) as pool:
        trials = list(pool.map(_trial, jobs))
    results: list[LatencyResult] = []
    for k, kind in enumerate(KINDS):
        for t, tier in enumerate(TierName):
            held = np.concatenate([trial.held[:, k, t] for trial in trials])
            promised = np.concatenate([trial.promised[:, k, t] for trial in trials])
            excess = np.concatenate([trial.excess[:, k, t] for trial in trials])
            labels = np.repeat(np.arange(len(trials)), services)
            results.append(
                LatencyResult(
                    kind=kind,
                    tier=tier,
                    windows=int((~np.isnan(held)).sum()),
                    held=float(np.nanmean(held)),
                    over_promise=clustered_mean(promised - held, [labels]),
                    excess=float(np.nanmedian(excess)),
                )
            )
    return results


def _trial(job: tuple[int, int, int, int]) -> LatencyTrial:
    seed, services, horizon, days = job
    return run_trial(seed, days, services=services, window=WINDOWS[horizon])
