"""``python -m bench.forecast_trial [--organizations N] [--quick] [--window W]``: does the forecast earn its place?

Simulated organisations that the engine's formulas know nothing of, weekly origins. The outcome is the largest
share of the budget spent at the end of any coming day (a calendar window: at its end), cut at twice the budget.
Prints pinball loss and coverage of the engine and of simple rules, Brier score of P(exhausted), per class of
service, with 95 % intervals clustered by organisation. Deterministic.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from bench.calibration_organizations import World, draw
from bench.forecast_baselines import RULES, Residuals
from sloengine.domain.accuracy.clustered import ClusteredMean, clustered_mean
from sloengine.domain.forecast.conformal import LEVELS, AdaptiveLevels, pinball, random_rank
from sloengine.domain.forecast.failure_paths import failure_paths
from sloengine.domain.forecast.forecast import LEARN_ORIGINS
from sloengine.domain.forecast.horizon import Horizon, horizon_of
from sloengine.domain.forecast.probability_map import ProbabilityMap, fitted
from sloengine.domain.forecast.shipped import is_given_out
from sloengine.domain.recommendation.organization_prior import prior_from_days
from sloengine.domain.recommendation.predictive import predict
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.window import ComplianceWindow

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WARM_DAYS, LOOKBACK = 120, 90
BURN_IN, TESTED = 10, 12
CUT = 2.0
PROMISES = (0.98, 0.92, 0.80)
OWN, UNMAPPED, RAW = "engine", "engine, without the map", "engine, uncorrected"
NAMES = (OWN, UNMAPPED, RAW, *RULES)
SHOWN = (0.5, 0.8, 0.9, 0.95)


@dataclass
class Row:
    """One forecast and what came of it."""

    organization: int
    origin: int
    running: bool
    requests: float
    spent: float
    loss: dict[str, float]
    covered: dict[str, npt.NDArray[np.bool_]]
    probability: dict[str, float]
    exhausted: bool


@dataclass
class Pending:
    """A forecast whose outcome is not known yet."""

    over_at: int
    running: bool
    outcome: float
    told: float
    draws: FloatArray
    points: dict[str, float]
    rule_draws: dict[str, FloatArray]


@dataclass
class Learning:
    """What has been learnt from finished origins of one organisation."""

    levels: AdaptiveLevels = field(default_factory=AdaptiveLevels.fresh)
    rules: dict[str, Residuals] = field(default_factory=lambda: {name: Residuals() for name in RULES})

    probability: ProbabilityMap = field(default_factory=ProbabilityMap.shipped)
    finished: list[list[Pending]] = field(default_factory=list)

    def learn(self, over: Sequence[Pending], rng: np.random.Generator) -> None:
        """One origin, once all of its forecasts are over."""
        self.finished = [*self.finished, list(over)][-LEARN_ORIGINS:]
        self.probability = fitted(
            np.array([one.told for some in self.finished for one in some]),
            np.array([one.outcome > 1 for some in self.finished for one in some], dtype=np.float64),
            np.array([place for place, some in enumerate(self.finished) for _ in some], dtype=np.float64),
            ProbabilityMap.shipped(),
        )
        self.levels = self.levels.after(
            np.array([random_rank(one.draws, one.outcome, rng.random()) for one in over])
        )
        for name, residuals in self.rules.items():
            ranks = np.array([random_rank(one.rule_draws[name], one.outcome, rng.random()) for one in over])
            split = {
                flag: np.array([one.outcome - one.points[name] for one in over if one.running is flag])
                for flag in (True, False)
            }
            residuals.learn(split, ranks)


def peak(horizon: Horizon, failures: FloatArray, traffic: float, target: float) -> FloatArray:
    """Largest share of the budget spent at the end of any step, cut."""
    return np.minimum(CUT, horizon.consumed(failures, daily_traffic=traffic, target=target).max(axis=-1))


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


def tried(number: int, world: World, window: ComplianceWindow) -> list[Row]:
    """All origins of one organisation, in the order of time."""
    rng = np.random.default_rng([20_26, number])
    longest = {ComplianceWindow.CALENDAR_MONTH: 31, ComplianceWindow.CALENDAR_QUARTER: 92}.get(window, 7)
    days = WARM_DAYS + 7 * (BURN_IN + TESTED)
    org = draw(rng, days, world, longest)
    names = tuple(f"s{row}" for row in range(len(org.valid)))

    def until(day: int) -> DailyHistory:
        first = max(0, day - 365)
        shape = (len(names), day - first)
        return DailyHistory(
            names, BEGIN + day * DAY, org.bad[:, first:day], org.valid[:, first:day], np.ones(shape)
        )

    targets = targets_of(until(WARM_DAYS), number)
    learning, rows = Learning(), []
    waiting: list[list[Pending]] = []
    for origin in range(BURN_IN + TESTED):
        day = WARM_DAYS + 7 * origin
        for over in [some for some in waiting if all(one.over_at <= day for one in some)]:
            learning.learn(over, rng)
            waiting.remove(over)
        whole = until(day)
        prior = prior_from_days(whole, learnt_at=whole.ends_at)
        asked: list[Pending] = []
        for row, name in enumerate(names):
            known = DailyHistory(
                (name,),
                whole.ends_at,
                whole.bad[row : row + 1, -LOOKBACK:],
                whole.valid[row : row + 1, -LOOKBACK:],
                whole.exposure[row : row + 1, -LOOKBACK:],
            )
            bad, valid, target = org.bad[row, :day], org.valid[row, :day], float(targets[row])
            horizon = horizon_of(bad, valid, window=window, as_of=whole.ends_at)
            steps = len(horizon.step_days)
            spent = _spent(horizon, bad, valid, window, target)
            if spent > 1:
                continue
            paths = failure_paths(
                known, prior, horizon.step_days, np.random.default_rng([number, row, origin]), 1_000
            )
            if paths is None:
                continue
            traffic = paths.daily_traffic
            came_bad, came_valid = org.bad[row, day : day + steps], org.valid[row, day : day + steps]
            in_window = horizon.past_valid + np.cumsum(came_valid)
            if window in (ComplianceWindow.CALENDAR_MONTH, ComplianceWindow.CALENDAR_QUARTER):
                in_window = horizon.past_valid + came_valid.sum()
            shares = (horizon.past_bad + np.cumsum(came_bad)) / (in_window * (1 - target))
            outcome = min(CUT, float(shares.max()))
            draws = np.sort(peak(horizon, paths.failures, traffic, target))
            floor = float(peak(horizon, np.zeros(steps), traffic, target))
            points = {
                rule: float(peak(horizon, path(bad, valid, traffic, horizon.step_days), traffic, target))
                for rule, path in RULES.items()
            }
            drawn = {
                rule: np.minimum(CUT, learning.rules[rule].draws(point, floor, paths.running))
                for rule, point in points.items()
            }
            told = 1 - float(learning.levels.true_level(float((draws <= 1.0).mean())))
            asked.append(Pending(day + steps, paths.running, outcome, told, draws, points, drawn))
            if origin >= BURN_IN:
                rows.append(_judged((number, origin), asked[-1], learning, 28 * traffic, spent, rng))
        waiting.append(asked)
    return rows


def _spent(horizon: Horizon, bad: FloatArray, valid: FloatArray, window: ComplianceWindow, target: float) -> float:
    if window in (ComplianceWindow.CALENDAR_MONTH, ComplianceWindow.CALENDAR_QUARTER):
        return float(horizon.consumed(np.zeros(1), daily_traffic=float(valid[-28:].mean()), target=target)[0])
    length = window.length // DAY
    return float(bad[-length:].sum() / (valid[-length:].sum() * (1 - target)))


def _judged(
    at: tuple[int, int], one: Pending, learning: Learning, requests: float, spent: float, rng: np.random.Generator
) -> Row:
    sorted_draws = {
        OWN: one.draws,
        UNMAPPED: one.draws,
        RAW: one.draws,
        **{n: np.sort(d) for n, d in one.rule_draws.items()},
    }
    levels = {
        OWN: learning.levels,
        UNMAPPED: learning.levels,
        RAW: AdaptiveLevels.fresh(),
        **{name: learning.rules[name].levels for name in RULES},
    }
    loss, covered, probability = {}, {}, {}
    for name in NAMES:
        own = levels[name].own_level(LEVELS)
        quantiles = np.quantile(sorted_draws[name], own, method="inverted_cdf")
        loss[name] = pinball(quantiles, one.outcome)
        covered[name] = random_rank(sorted_draws[name], one.outcome, rng.random()) <= own
        share = float((sorted_draws[name] <= 1.0).mean())
        probability[name] = 1 - float(levels[name].true_level(share))
    probability[OWN] = float(learning.probability.of(probability[OWN]))
    return Row(*at, one.running, requests, spent, loss, covered, probability, one.outcome > 1)


def _chosen(rows: Sequence[Row]) -> dict[str, list[Row]]:
    few = 28 * 1_500.0
    return {
        "all": list(rows),
        "calm": [row for row in rows if not row.running],
        "incident running": [row for row in rows if row.running],
        "calm, < 1,500 requests a day": [row for row in rows if not row.running and row.requests < few],
        "calm, more": [row for row in rows if not row.running and row.requests >= few],
        "running, < 1,500 requests a day": [row for row in rows if row.running and row.requests < few],
        "running, more": [row for row in rows if row.running and row.requests >= few],
        "calm, more, over half spent": [
            row for row in rows if not row.running and row.requests >= few and row.spent > 0.5
        ],
        "calm, more, less spent": [
            row for row in rows if not row.running and row.requests >= few and row.spent <= 0.5
        ],
    }


def _interval(mean: ClusteredMean, scale: float = 1.0, digits: int = 3) -> str:
    if mean.low is None or mean.high is None:
        return f"{mean.value * scale:.{digits}f}"
    return f"{mean.value * scale:.{digits}f} [{mean.low * scale:.{digits}f}, {mean.high * scale:.{digits}f}]"


def gain(rows: Sequence[Row], rule: str, of: str = "loss") -> tuple[float, float, float]:
    """1 - engine's loss over the rule's, with a 95 % interval by leaving out one organisation at a time."""
    labels = np.array([row.organization for row in rows])

    def values(name: str) -> FloatArray:
        if of == "loss":
            return np.array([row.loss[name] for row in rows])
        return np.array([(row.probability[name] - row.exhausted) ** 2 for row in rows])

    own, other = values(OWN), values(rule)
    every = np.unique(labels)
    whole = 1 - own.sum() / other.sum()
    if len(every) < 3:
        return whole, -np.inf, np.inf
    left = np.array([1 - own[labels != one].sum() / other[labels != one].sum() for one in every])
    half = 2.09 * np.sqrt((len(every) - 1) / len(every) * ((left - left.mean()) ** 2).sum())
    return whole, whole - half, whole + half


def _is_shown(row: Row, window: ComplianceWindow) -> bool:
    return is_given_out(window, running=row.running, daily_traffic=row.requests / 28)


def report(rows: Sequence[Row], window: ComplianceWindow) -> None:
    """Print all tables."""
    for title, some in _chosen(rows).items():
        hit = sum(row.exhausted for row in some)
        print(f"\n{title}: {len(some)} forecasts, {hit} ran out")
        if len(some) < 50:
            continue
        labels = np.array([row.organization for row in some])
        heads = "".join(f"{f'cover {level:.0%}':>24}" for level in SHOWN)
        print(
            f"  {'':22}{'pinball x 1000':>24}{'engine gains':>26}{'Brier x 1000':>14}{'gains':>22}"
            f"{'P mean':>9}{heads}"
        )
        for name in NAMES:
            loss = clustered_mean(np.array([row.loss[name] for row in some]), [labels])
            brier = float(np.mean([(row.probability[name] - row.exhausted) ** 2 for row in some]))
            told = float(np.mean([row.probability[name] for row in some]))
            g = b = ""
            if name != OWN:
                g = "{:.1%} [{:.1%}, {:.1%}]".format(*gain(some, name))
                b = "{:.1%} [{:.1%}, {:.1%}]".format(*gain(some, name, "brier"))
            line = f"  {name:22}{_interval(loss, 1000, 2):>24}{g:>26}{brier * 1000:14.2f}{b:>22}{told:9.2%}"
            for level in SHOWN:
                place = int(np.argmin(np.abs(LEVELS - level)))
                seen = clustered_mean(np.array([row.covered[name][place] for row in some], dtype=float), [labels])
                line += f"{_interval(seen, 100, 1):>24}"
            print(line)
    for name in (OWN, UNMAPPED):
        for title, some in (
            ("all", list(rows)),
            ("given out", [row for row in rows if _is_shown(row, window)]),
            ("incident running", [row for row in rows if row.running]),
        ):
            reliability(title, some, name)


def reliability(title: str, rows: Sequence[Row], name: str) -> None:
    """Print what was told and what was seen, in bands of what was told."""
    promised = np.array([row.probability[name] for row in rows])
    ran_out = np.array([row.exhausted for row in rows], dtype=float)
    every = np.array([row.organization for row in rows])
    print(f"\nP(exhausted) told and seen, {name}, {title}")
    for low, high in ((0, 0.01), (0.01, 0.03), (0.03, 0.1), (0.1, 0.3), (0.3, 1.01), (0, 1.01)):
        inside = (promised >= low) & (promised < high)
        if inside.any():
            share = _interval(clustered_mean(ran_out[inside], [every[inside]]), 100, 1)
            off = _interval(clustered_mean((promised - ran_out)[inside], [every[inside]]), 100, 1)
            mean = promised[inside].mean()
            print(
                f"  {low:.0%} to {min(high, 1):.0%}: {inside.sum():6d} told {mean:.1%} seen {share} %, off {off}"
            )


def main(arguments: list[str] | None = None) -> int:
    """Run all organisations."""
    parser = argparse.ArgumentParser(prog="python -m bench.forecast_trial", description=__doc__)
    parser.add_argument("--organizations", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="three organisations")
    parser.add_argument(
        "--window", type=ComplianceWindow, default=ComplianceWindow.ROLLING_28D, choices=list(ComplianceWindow)
    )
    asked = parser.parse_args(arguments)
    began = time.process_time()
    rows: list[Row] = []
    for number in range(3 if asked.quick else asked.organizations):
        rows.extend(tried(number, World(), asked.window))
    print(f"{asked.window}, {len({row.organization for row in rows})} organisations")
    report(rows, asked.window)
    print(f"{time.process_time() - began:.0f} CPU s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
