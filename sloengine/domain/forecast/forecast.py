"""How probably the current window's error budget runs out, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from sloengine.domain.forecast.conformal import random_rank
from sloengine.domain.forecast.failure_paths import N_DRAWS, FailurePaths, failure_paths
from sloengine.domain.forecast.horizon import Horizon, horizon_of, is_calendar
from sloengine.domain.forecast.learnt import KINDS, Correction, FinishedOrigin, Learnt, learnt_from
from sloengine.domain.forecast.shipped import is_given_out
from sloengine.domain.forecast.spent_quantiles import SpentAtMost, spent_at_most
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.seed import generator, seed_of
from sloengine.domain.reliability.budget_state import window_start
from sloengine.domain.reliability.daily import daily_sums
from sloengine.domain.reliability.panel import SliPanel
from sloengine.domain.reliability.window import ComplianceWindow

LOOKBACK_DAYS = 90
"""Own history that is read. Beyond it only days are kept, and one coarse series makes all that is read coarse."""
METHOD = "hierarchical Bayes on incidents, recalibrated probability"
COUNTED = "counted: the budget is spent already"
LEARN_ORIGINS = 12
"""Weekly origins that the levels are learnt from."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Promise:
    """What is judged: a service's availability ratio over a window."""

    service_id: str
    target: float
    window: ComplianceWindow


@dataclass(frozen=True, slots=True)
class Forecast:
    """``probability_budget_exhausted``: that more than the whole budget is spent at the end of any day up to
    ``horizon_end``; 1 where it is already.

    ``expected_exhaustion_at``: the first day's end by which that is as likely as not, None where it never is;
    as-of where the budget is spent already. ``given_out`` False: of a class of services for which simple rules do
    nearly as well; it serves to see that a risk is over, and is shown to nobody. ``spent``: share of the budget as
    the forecast is made; None where that was not kept. ``at_most``: quantiles of the largest share that is spent
    by then, lowest probability first; none where the budget is spent already.
    """

    probability_budget_exhausted: float
    expected_exhaustion_at: datetime | None
    horizon_end: datetime
    method: str
    given_out: bool = True
    spent: float | None = None
    at_most: Sequence[SpentAtMost] = ()

    @property
    def is_spent(self) -> bool:
        """Whether the budget is spent already, which is counted and not forecast."""
        return self.method == COUNTED


@dataclass(frozen=True)
class Outlook:
    """One service's state as of an hour: what is left in the window, and draws of the coming days."""

    horizon: Horizon
    spent: float
    paths: FailurePaths

    def peaks(self, target: float) -> np.ndarray:
        """Largest share of the budget spent up to the end of each step, shape (n_draws, n_steps)."""
        spent = self.horizon.consumed(self.paths.failures, self.paths.traffic, target)
        return np.maximum.accumulate(spent, axis=1)


def outlook(
    panel: SliPanel,
    promise: Promise,
    prior: OrganizationPrior,
    *,
    as_of: datetime,
    n_draws: int = N_DRAWS,
) -> Outlook | None:
    """What is known at as-of; later intervals are ignored.

    None where nothing can be said: no valid event in the window or in the newest 24 hours, or an SLO without a
    budget (a target of 1).
    """
    if not 0 < promise.target < 1:
        return None
    one = panel.select([promise.service_id])
    raw = daily_sums(one, as_of=as_of, lookback_days=LOOKBACK_DAYS)
    whole, shares = raw.in_events()
    if whole.n_days == 0 or whole.valid[0, -1] <= 0:
        return None
    scale = float(whole.valid.sum() / raw.valid.sum()) if shares[0] else 1.0
    so_far = None
    if is_calendar(promise.window):
        started = window_start(promise.window, as_of + timedelta(microseconds=1))
        inside = one.between(started, whole.ends_at)
        known = ~(np.isnan(inside.total) | np.isnan(inside.good))
        so_far = (
            float(np.where(known, inside.bad, 0.0).sum()) * scale,
            float(np.where(known, inside.total, 0.0).sum()) * scale,
        )
    bad, valid = whole.bad[0], whole.valid[0]
    horizon = horizon_of(bad, valid, window=promise.window, as_of=whole.ends_at, in_window_so_far=so_far)
    seed = seed_of(promise.service_id, SliType.AVAILABILITY, promise.window)
    paths = failure_paths(whole, prior, horizon.step_days, generator(seed), n_draws)
    if paths is None:
        return None
    spent = horizon.spent(bad, valid, window=promise.window, traffic=paths.daily_traffic, target=promise.target)
    return None if spent is None else Outlook(horizon, spent, paths)


def forecast(known: Outlook, promise: Promise, learnt: Learnt) -> Forecast:
    """The forecast, corrected by what has been learnt from finished ones."""
    horizon = known.horizon
    if known.spent > 1.0:
        return Forecast(1.0, horizon.starts_at, horizon.ends_at, COUNTED, spent=known.spent)
    peaks = known.peaks(promise.target)
    within = (peaks <= 1.0).mean(axis=0)
    correction = learnt.of(promise.window)
    told = np.maximum.accumulate(correction.exhausted(within, known.spent))
    likely = np.flatnonzero(told >= 0.5)
    # So many draws cannot tell more: certain is only what is counted.
    most = 1.0 - 0.5 / (len(known.paths.failures) + 1)
    probability = float(np.clip(told[-1], 0.0, most))
    return Forecast(
        probability_budget_exhausted=probability,
        expected_exhaustion_at=horizon.step_end(int(likely[0])) if len(likely) else None,
        horizon_end=horizon.ends_at,
        method=f"{METHOD} ({correction.probability.outcomes} finished forecasts)",
        given_out=is_given_out(
            promise.window,
            running=known.paths.running,
            daily_traffic=known.paths.daily_traffic,
        ),
        spent=known.spent,
        at_most=spent_at_most(peaks[:, -1], correction.levels, exhausted=probability, spent=known.spent),
    )


def learn(
    panel: SliPanel,
    promises: Sequence[Promise],
    priors: Mapping[datetime, OrganizationPrior],
    *,
    as_of: datetime,
    n_draws: int = 400,
) -> Learnt:
    """What the finished weekly origins of ``priors`` (as each was known then) teach, oldest first.

    The organisation's services with their present targets, as if these had been in force then, all of them over
    each kind of window that any is promised over: a week ahead in rolling windows, the rest of the month in
    months. A kind that nobody is promised over stays as shipped. Budgets that were spent already teach nothing.
    """
    wanted = {is_calendar(promise.window) for promise in promises}
    corrections = []
    for window in KINDS:
        asked = [replace(promise, window=window) for promise in promises] if is_calendar(window) in wanted else []
        origins = [_finished(panel, asked, priors[at], at, as_of, n_draws) for at in sorted(priors)]
        finished = [origin for origin in origins if origin is not None]
        corrections.append(learnt_from(finished, Correction.shipped(window)))
    return Learnt(*corrections)


def _finished(
    panel: SliPanel,
    promises: Sequence[Promise],
    prior: OrganizationPrior,
    origin: datetime,
    as_of: datetime,
    n_draws: int,
) -> FinishedOrigin | None:
    """What came of the forecasts of one moment and kind of window; None: not over yet, or none could be made."""
    over_at, found = origin, []
    for promise in promises:
        known = outlook(panel, promise, prior, as_of=origin, n_draws=n_draws)
        if known is None or known.spent > 1.0:
            continue
        over_at = known.horizon.ends_at
        if over_at > as_of:
            return None
        came = _came(panel, promise, known)
        if came is not None:
            uniform = generator(
                seed_of(f"{promise.service_id} {origin.isoformat()}", SliType.AVAILABILITY, promise.window)
            ).random()
            peaks = known.peaks(promise.target)[:, -1]
            within = float((peaks <= 1.0).mean())
            found.append((within, known.spent, random_rank(peaks, came, uniform), float(came > 1.0)))
    if not found:
        return None
    return FinishedOrigin(origin, over_at, *np.array(found).T)


def _came(panel: SliPanel, promise: Promise, known: Outlook) -> float | None:
    """Largest share of the budget that was spent at the end of any day after an origin; None without data."""
    horizon = known.horizon
    one = panel.select([promise.service_id]).between(horizon.starts_at, horizon.ends_at)
    days = len(horizon.step_days)
    later = daily_sums(one, as_of=horizon.ends_at, lookback_days=days)
    if later.n_days < days or (later.exposure <= 0).any():
        return None
    later, _ = later.in_events()
    return float(horizon.consumed(later.bad[0], later.valid[0], promise.target).max())
