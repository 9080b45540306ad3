"""What the engine, an oracle and simple rules say of simulated organisations, and what came: raw, before judging.

Everything that can be published is a figure of one grid, so the share of draws within each figure's budget is all
there is to know of a forecast: maps, caps and tiers are worked out from it afterwards at no cost.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.calibration_organizations import World, draw, oracle_draws
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.recommendation.organization_prior import learn_prior
from sloengine.domain.recommendation.predictive import predict
from sloengine.domain.recommendation.seed import generator, seed_of
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.daily import daily_sums
from sloengine.domain.reliability.panel import FloatArray, SliPanel
from sloengine.domain.reliability.rounding import availability_grid
from sloengine.domain.reliability.window import ComplianceWindow

type Floats = npt.NDArray[np.floating]

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BUDGETS: Floats = 1.0 - np.array(availability_grid(0.1))[::-1]
"""Every budget that can be published, ascending."""
WINDOWS = {
    7: ComplianceWindow.ROLLING_7D,
    28: ComplianceWindow.ROLLING_28D,
    30: ComplianceWindow.ROLLING_30D,
}
_SLACK = 1e-12
ORACLE_DRAWS = 2_000
RESAMPLED = 1_000


@dataclass(frozen=True)
class Forecasts:
    """One row a service and window.

    ``organization``: seed; ``days`` of history and ``horizon`` in days; ``truth``: the unavailability that came;
    ``requests``: expected in the window, as the engine sees it; ``met_low`` and ``met_high``: share of the
    engine's draws below the truth and not above it. ``engine``, ``oracle``, ``own``: share of draws within each
    of ``BUDGETS``, shape (rows, budgets). ``mean_30`` and ``worst``: unavailability over the last 30 days, and in
    the worst past window.
    """

    organization: Floats
    days: Floats
    horizon: Floats
    truth: Floats
    requests: Floats
    met_low: Floats
    met_high: Floats
    mean_30: Floats
    worst: Floats
    engine: Floats
    oracle: Floats
    own: Floats

    def __len__(self) -> int:
        """Rows."""
        return len(self.truth)

    def where(self, rows: npt.NDArray[np.bool_]) -> Forecasts:
        """These rows only."""
        return Forecasts(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})

    def save(self, path: Path) -> None:
        """As one compressed file."""
        np.savez_compressed(path, **{column.name: getattr(self, column.name) for column in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Forecasts:
        """What ``save`` wrote."""
        with np.load(path) as stored:
            return cls(**{column.name: stored[column.name] for column in fields(cls)})

    @classmethod
    def together(cls, parts: list[Forecasts]) -> Forecasts:
        """All of them, in this order."""
        return cls(**{c.name: np.concatenate([getattr(part, c.name) for part in parts]) for c in fields(cls)})


@dataclass(frozen=True)
class Trial:
    """One organisation to draw."""

    seed: int
    days: int
    world: World = field(default_factory=World)
    horizon: int = 28


def panel_of(bad: FloatArray, valid: FloatArray) -> SliPanel:
    """One interval a day."""
    names = tuple(f"service-{i}" for i in range(len(bad)))
    return SliPanel(names, START, DAY, valid - bad, valid)


def forecast(trial: Trial) -> Forecasts:
    """Draw the organisation and ask engine, oracle and rules about every service."""
    rng = np.random.default_rng([trial.seed, trial.days, trial.horizon])
    org = draw(rng, trial.days, trial.world, trial.horizon)
    bad, valid = org.bad[:, : trial.days], org.valid[:, : trial.days]
    panel, as_of, settings = panel_of(bad, valid), START + DAY * trial.days, EngineSettings()
    window = WINDOWS[trial.horizon]
    oracle = np.sort(oracle_draws(rng, org, ORACLE_DRAWS), axis=1)
    prior, truth = learn_prior(panel, as_of=as_of), org.truth()
    history = daily_sums(panel, as_of=as_of, lookback_days=settings.lookback_days)
    n = len(bad)
    low, high, requests = np.zeros(n), np.zeros(n), np.zeros(n)
    engine, known, own = (np.zeros((n, len(BUDGETS)), dtype=np.float32) for _ in range(3))
    for row, service_id in enumerate(panel.service_ids):
        mine = history.row(service_id)
        traffic = float(mine.expected_daily_traffic()[0])
        window_rng, _ = generator(seed_of(service_id, SliType.AVAILABILITY, window)).spawn(2)
        draws = np.sort(
            predict(
                mine,
                prior,
                window_days=float(trial.horizon),
                expected_daily_traffic=traffic,
                rng=window_rng,
                n_draws=settings.n_draws,
            ).unavailability
        )
        requests[row] = traffic * trial.horizon
        low[row], high[row] = share_within(draws, truth[row] - 2 * _SLACK), share_within(draws, truth[row])
        engine[row], known[row] = share_within(draws, BUDGETS), share_within(oracle[row], BUDGETS)
        picked = rng.integers(0, trial.days, (RESAMPLED, trial.horizon))
        resampled = bad[row][picked].sum(axis=1) / np.maximum(valid[row][picked].sum(axis=1), 1.0)
        own[row] = share_within(np.sort(resampled), BUDGETS)
    last = slice(max(0, trial.days - 30), trial.days)
    return Forecasts(
        organization=np.full(n, float(trial.seed)),
        days=np.full(n, float(trial.days)),
        horizon=np.full(n, float(trial.horizon)),
        truth=truth,
        requests=requests,
        met_low=low,
        met_high=high,
        mean_30=bad[:, last].sum(axis=1) / np.maximum(valid[:, last].sum(axis=1), 1.0),
        worst=worst_window(bad, valid, trial.horizon),
        engine=engine,
        oracle=known,
        own=own,
    )


def share_within(ordered: Floats, budget: Floats | float) -> Floats:
    """Share of ascending draws within each budget."""
    return np.asarray(np.searchsorted(ordered, np.asarray(budget) + _SLACK, side="right") / len(ordered))


def worst_window(bad: Floats, valid: Floats, horizon: int) -> Floats:
    """Largest unavailability of any past window; a history shorter than a window counts as one."""
    length = min(horizon, bad.shape[1])

    def rolling(values: Floats) -> Floats:
        summed = np.c_[np.zeros(len(values)), np.cumsum(values, axis=1)]
        return np.asarray(summed[:, length:] - summed[:, :-length])

    return np.asarray((rolling(bad) / np.maximum(rolling(valid), 1.0)).max(axis=1))
