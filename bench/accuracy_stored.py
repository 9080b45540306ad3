"""Do targets that stay on record hold as promised? What people see is not the fresh target but the one that stays.

    python -m bench.accuracy_stored [--organizations 48] [--services 5] [--processes 2]

Every service is asked for anew each day for eight weeks, each answer handed to the next, as the product does.
Every fourth day what is on record is judged by the window that then comes, with the P(met) shown on that day;
beside it what would have been recommended afresh. Windows overlap and services share outages, so intervals count
whole organisations.
"""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from bench.asked_daily import asked_daily
from bench.calibration_organizations import World, draw
from sloengine.cli.accuracy_text import spread_text
from sloengine.domain.accuracy.clustered import ClusteredMean, clustered_mean
from sloengine.domain.recommendation.model import Recommendation, TierName, TierTarget
from sloengine.domain.recommendation.recommend_availability import recommend_availability
from sloengine.domain.recommendation.settings import EngineSettings

HISTORY_DAYS, ASKED_DAYS, JUDGED_EVERY, HORIZON = 60, 56, 4, 28
TIERS = tuple(TierName)
_SLACK = 1e-12
COLUMNS = ("organization", "tier", "shown", "held", "kept", "fresh_shown", "fresh_held", "changed")


@dataclass(frozen=True)
class StoredRow:
    """One tier. Shares; ``over_promise``: P(met) shown less held, of what is on record; ``fresh``: of what a fresh
    answer would say; ``kept``: the same where both differ. ``below``: shown P(met) more than a point below the
    tier's. ``changed``: days on which the target on record is another than the day before.
    """

    tier: TierName
    cases: int
    held: float
    fresh_held: float
    over_promise: ClusteredMean
    fresh: ClusteredMean
    kept_share: float
    kept: ClusteredMean | None
    kept_held: float
    least_shown: float
    below: float
    changed: float

    def text(self) -> str:
        """One line."""
        kept = "" if self.kept is None else f", P(met) less held {spread_text(self.kept)}"
        return (
            f"{self.tier:<12} on record holds {self.held:6.1%} (fresh {self.fresh_held:6.1%})  P(met) less held "
            f"{spread_text(self.over_promise)} (fresh {spread_text(self.fresh)})  not the fresh one "
            f"{self.kept_share:.1%}: holds {self.kept_held:.1%}{kept}  P(met) shown at least "
            f"{self.least_shown:.3f}, more than a point below the tier's {self.below:.1%}  "
            f"changed on {self.changed:.1%} of days"
        )


def judge_stored(
    organizations: int, services: int, workers: int, settings: EngineSettings | None = None
) -> list[StoredRow]:
    """All organisations together."""
    job = partial(_organization, services=services, settings=settings or EngineSettings())
    if workers == 1:
        parts = [job(seed) for seed in range(organizations)]
    else:
        with ProcessPoolExecutor(workers) as pool:
            parts = list(pool.map(job, range(organizations)))
    return summarize(np.concatenate(parts), settings or EngineSettings())


def summarize(rows: npt.NDArray[np.float64], settings: EngineSettings) -> list[StoredRow]:
    """By tier. ``rows``: shape (n, len(COLUMNS))."""
    found = []
    for position, tier in enumerate(TIERS):
        mine = rows[rows[:, 1] == position]
        labels, _, shown, held, kept, fresh_shown, fresh_held, changed = mine.T
        group = labels.astype(np.int64)
        differs = kept == 1.0
        found.append(
            StoredRow(
                tier=tier,
                cases=len(mine),
                held=float(held.mean()),
                fresh_held=float(fresh_held.mean()),
                over_promise=clustered_mean(shown - held, [group]),
                fresh=clustered_mean(fresh_shown - fresh_held, [group]),
                kept_share=float(differs.mean()),
                kept=clustered_mean((shown - held)[differs], [group[differs]]) if differs.any() else None,
                kept_held=float(held[differs].mean()) if differs.any() else float("nan"),
                least_shown=float(shown.min()),
                below=float((shown < settings.nominal_probability[tier] - 0.01).mean()),
                changed=float(changed.sum() / (len(mine) * JUDGED_EVERY)),
            )
        )
    return found


def _organization(seed: int, services: int, settings: EngineSettings) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng([seed, HISTORY_DAYS, 60_000])
    org = draw(rng, HISTORY_DAYS, World(services=30), ASKED_DAYS + HORIZON)
    changes: dict[tuple[str, TierName], int] = {}
    rows: list[list[float]] = []
    for asked in asked_daily(org, services, HISTORY_DAYS, ASKED_DAYS, settings):
        service_id = asked.answer.service_id
        for tier in TIERS:
            moved = _ratio(asked.answer, tier) != _ratio(asked.previous, tier)
            changes[service_id, tier] = changes.get((service_id, tier), 0) + moved
        if (asked.day - HISTORY_DAYS) % JUDGED_EVERY:
            continue
        fresh = recommend_availability(replace(asked.request, previous=None), asked.prior, settings)
        if isinstance(fresh, Recommendation):
            ahead = slice(asked.day, asked.day + HORIZON)
            came = float(org.bad[asked.row, ahead].sum() / org.valid[asked.row, ahead].sum())
            rows.extend(_judged(seed, asked.answer, fresh, came, changes))
    return np.array(rows, dtype=np.float64).reshape(-1, len(COLUMNS))


def _judged(
    seed: int,
    answer: Recommendation,
    fresh: Recommendation,
    came: float,
    changes: dict[tuple[str, TierName], int],
) -> list[list[float]]:
    rows = []
    for position, tier in enumerate(TIERS):
        stored, new = _target(answer, tier), _target(fresh, tier)
        changed = changes.pop((answer.service_id, tier), 0)
        if stored is None or new is None:
            continue
        ratio, fresh_ratio = stored.availability_ratio or 0.0, new.availability_ratio or 0.0
        rows.append(
            [
                seed,
                position,
                stored.probability_met,
                came <= 1 - ratio + _SLACK,
                ratio != fresh_ratio,
                new.probability_met,
                came <= 1 - fresh_ratio + _SLACK,
                changed,
            ]
        )
    return rows


def _target(answer: Recommendation, tier: TierName) -> TierTarget | None:
    return next(iter(answer.tier(tier).targets), None)


def _ratio(answer: Recommendation, tier: TierName) -> float | None:
    target = _target(answer, tier)
    return None if target is None else target.availability_ratio


def main() -> None:
    """Judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organizations", type=int, default=48)
    parser.add_argument("--services", type=int, default=5)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    for row in judge_stored(given.organizations, given.services, given.processes):
        print(f"{row.cases} cases  {row.text()}", flush=True)


if __name__ == "__main__":
    main()
