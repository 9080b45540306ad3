"""Forecasts of simulated organisations before anything is learnt from them, and what came of each.

Organisations that the engine's formulas know nothing of, promises as the engine's own tiers would choose them,
weekly origins. The outcome is the largest share of the budget spent at the end of any coming day (a calendar
window: at its end), cut at twice the budget. Drawing costs seconds an organisation, learning and judging almost
nothing: what was drawn can be kept and judged again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.calibration_organizations import World, draw
from bench.forecast_baselines import RULES
from sloengine.domain.forecast.coming_traffic import coming_traffic
from sloengine.domain.forecast.failure_paths import failure_paths
from sloengine.domain.forecast.horizon import Horizon, horizon_of
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, prior_from_days
from sloengine.domain.recommendation.predictive import predict
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.window import ComplianceWindow

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WARM_DAYS, LOOKBACK = 120, 90
BURN_IN, TESTED = 12, 12
ORIGINS = BURN_IN + TESTED
LONGEST = 31
CUT = 2.0
PROMISES = (0.98, 0.92, 0.80)
N_DRAWS = 1_000
WINDOWS = (ComplianceWindow.ROLLING_28D, ComplianceWindow.CALENDAR_MONTH)


@dataclass(frozen=True)
class Drawn:
    """Forecasts of one window and organisation, by origin; shape (n,) each but ``draws``, ascending, (n, n_draws).

    ``over_at``: day at which the outcome is known; ``points``: what each of the simple rules says, (n, n_rules);
    ``floor``: share of the budget that is spent in any case, whatever traffic comes.
    """

    organization: FloatArray
    service: FloatArray
    origin: FloatArray
    over_at: FloatArray
    running: FloatArray
    daily_traffic: FloatArray
    spent: FloatArray
    outcome: FloatArray
    floor: FloatArray
    points: FloatArray
    draws: FloatArray

    def at(self, origin: int) -> npt.NDArray[np.int64]:
        """Rows of this origin."""
        return np.flatnonzero(self.origin == origin)


def day_of(origin: int) -> int:
    """Days of history that an origin has."""
    return WARM_DAYS + 7 * origin


def peak(horizon: Horizon, failures: FloatArray, traffic: FloatArray, target: float) -> FloatArray:
    """Largest share of the budget spent at the end of any step, cut; failed and valid events of each step."""
    return np.minimum(CUT, horizon.consumed(failures, traffic, target).max(axis=-1))


def targets_of(history: DailyHistory, seed: int) -> FloatArray:
    """A promise for each service, as the engine's own tiers would choose it at this day."""
    prior = prior_from_days(history, learnt_at=history.ends_at)
    traffic = history.expected_daily_traffic()
    found = np.ones(len(traffic))
    for row, service_id in enumerate(history.service_ids):
        told = predict(
            history.row(service_id),
            prior,
            window_days=28,
            expected_daily_traffic=float(traffic[row]),
            rng=np.random.default_rng([seed, row]),
            n_draws=1_000,
        )
        level = float(np.quantile(told.unavailability, PROMISES[row % len(PROMISES)]))
        found[row] = 1 - max(level, 5.0 / (28 * traffic[row]), 1e-5)
    return found


def kept(
    number: int, world: World, directory: Path | None, windows: Sequence[ComplianceWindow] = WINDOWS
) -> Mapping[ComplianceWindow, Drawn]:
    """``drawn``, or what an earlier run has kept in ``directory`` of the same organisation."""
    if directory is None:
        return drawn(number, world, windows)
    paths = {window: directory / f"{number}-{window.lower()}.npz" for window in windows}
    if not all(path.exists() for path in paths.values()):
        directory.mkdir(parents=True, exist_ok=True)
        for window, one in drawn(number, world, windows).items():
            np.savez(paths[window], **{column.name: getattr(one, column.name) for column in fields(one)})
    found = {}
    for window, path in paths.items():
        with np.load(path) as stored:
            found[window] = Drawn(**{column.name: stored[column.name] for column in fields(Drawn)})
    return found


def drawn(
    number: int, world: World, windows: Sequence[ComplianceWindow] = WINDOWS
) -> Mapping[ComplianceWindow, Drawn]:
    """All origins of one organisation, in the order of time, for each window."""
    org = draw(np.random.default_rng([20_26, number]), day_of(ORIGINS), world, LONGEST)
    names = tuple(f"s{row}" for row in range(len(org.valid)))

    def until(day: int) -> DailyHistory:
        first = max(0, day - 365)
        bad, valid = org.bad[:, first:day], org.valid[:, first:day]
        return DailyHistory(names, BEGIN + day * DAY, bad, valid, np.ones(bad.shape))

    targets = targets_of(until(WARM_DAYS), number)
    rows: dict[ComplianceWindow, list[tuple[object, ...]]] = {window: [] for window in windows}
    for origin in range(ORIGINS):
        whole = until(day_of(origin))
        prior = prior_from_days(whole, learnt_at=whole.ends_at)
        for row in range(len(names)):
            for window in windows:
                seed = np.random.default_rng([number, row, origin])
                found = _forecast((org.bad[row], org.valid[row]), whole, row, prior, targets[row], window, seed)
                if found is not None:
                    steps, columns = found
                    rows[window].append((number, row, origin, day_of(origin) + steps, *columns))
    return {
        window: Drawn(*(np.array(column, dtype=np.float64) for column in zip(*some, strict=True)))
        for window, some in rows.items()
    }


def _forecast(
    series: tuple[FloatArray, FloatArray],
    whole: DailyHistory,
    row: int,
    prior: OrganizationPrior,
    target: float,
    window: ComplianceWindow,
    rng: np.random.Generator,
) -> tuple[int, tuple[object, ...]] | None:
    """Days to go, and the columns of ``Drawn`` from ``running`` on; None: spent already, or nothing is known."""
    day = round((whole.ends_at - BEGIN) / DAY)
    bad, valid = series[0][:day], series[1][:day]
    horizon = horizon_of(bad, valid, window=window, as_of=whole.ends_at)
    steps = len(horizon.step_days)
    spent = horizon.spent(bad, valid, window=window, traffic=float(valid[-28:].mean()), target=target)
    if spent is None or spent > 1:
        return None
    known = DailyHistory(
        whole.service_ids[row : row + 1],
        whole.ends_at,
        whole.bad[row : row + 1, -LOOKBACK:],
        whole.valid[row : row + 1, -LOOKBACK:],
        whole.exposure[row : row + 1, -LOOKBACK:],
    )
    paths = failure_paths(known, prior, horizon.step_days, rng, N_DRAWS)
    if paths is None:
        return None
    came = [one[day : day + steps] for one in series]
    # The rules know the week's rhythm, too.
    coming = coming_traffic(known, horizon.step_days)
    if coming is None:
        return None
    points = [
        float(peak(horizon, path(bad, valid, coming.expected), coming.expected, target)) for path in RULES.values()
    ]
    return steps, (
        paths.running,
        paths.daily_traffic,
        spent,
        float(peak(horizon, came[0], came[1], target)),
        float(peak(horizon, np.zeros(steps), paths.traffic, target).min()),
        points,
        np.sort(peak(horizon, paths.failures, paths.traffic, target)),
    )
