"""``python -m bench.forecast_trial [--organizations N] [--first N] [--kept DIR]``: does it earn its place?

Simulated organisations that the engine's formulas know nothing of, weekly origins (``bench.forecast_drawn``), for
28 days and for calendar months; each learns as the engine does, from what was over within the last quarter.
Coverage is by the adaptive levels, ties broken at random; "bounds given out" are theirs where the probability of
running out does not say otherwise, never below what was spent, and cover an outcome that is tied with them.
Prints pinball loss and coverage of the engine and of simple rules, Brier score of P(exhausted), per class of
service, with 95 % intervals clustered by organisation; what was told and seen, by band and by what is spent; what
came of the events. ``--quick``: three organisations. ``--kept``: keeps what was drawn, and takes it from there.
Deterministic.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.calibration_organizations import World
from bench.forecast_baselines import RULES, Residuals
from bench.forecast_drawn import BEGIN, BURN_IN, CUT, ORIGINS, WINDOWS, Drawn, day_of, kept
from bench.forecast_told import Row, by_spent, interval, is_shown, print_at_risk, reliability
from sloengine.domain.accuracy.clustered import clustered_mean
from sloengine.domain.forecast.conformal import LEVELS, AdaptiveLevels, pinball, random_rank
from sloengine.domain.forecast.forecast import LEARN_ORIGINS
from sloengine.domain.forecast.learnt import Correction, FinishedOrigin, learnt_from
from sloengine.domain.forecast.risk import RiskThreshold
from sloengine.domain.forecast.spent_quantiles import PROBABILITIES, spent_at_most
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.window import ComplianceWindow

DAY = timedelta(days=1)
OWN, BY_LEVELS, RAW = "engine", "engine, P by its levels", "engine, uncorrected"
BOUNDS = "bounds given out"
OWN_START = "levels from model's on"
FIRST_SEED = 30_000
"""From organisations from here on nothing was learnt: neither levels nor ratio nor the spread of days."""
NAMES = (OWN, BOUNDS, BY_LEVELS, OWN_START, RAW, *RULES)
SHOWN = (0.05, 0.2, 0.5, 0.8, 0.9, 0.95)


@dataclass
class Rules:
    """What the simple rules have learnt from finished origins of one organisation."""

    residuals: dict[str, Residuals] = field(default_factory=lambda: {name: Residuals() for name in RULES})

    def draws(self, drawn: Drawn, row: int) -> dict[str, FloatArray]:
        """Each rule's distribution of one outcome, ascending."""
        running, floor = bool(drawn.running[row]), float(drawn.floor[row])
        return {
            name: np.sort(np.minimum(CUT, self.residuals[name].draws(float(point), floor, running)))
            for name, point in zip(RULES, drawn.points[row], strict=True)
        }

    def learn(
        self,
        drawn: Drawn,
        rows: npt.NDArray[np.int64],
        told: list[dict[str, FloatArray]],
        rng: np.random.Generator,
    ) -> None:
        """One origin, once all of its forecasts are over."""
        for place, (name, residuals) in enumerate(self.residuals.items()):
            ranks = [
                random_rank(one[name], drawn.outcome[row], rng.random())
                for one, row in zip(told, rows, strict=True)
            ]
            off = drawn.outcome[rows] - drawn.points[rows, place]
            running = drawn.running[rows] > 0
            residuals.learn({True: off[running], False: off[~running]}, np.array(ranks))


def finished_origins(drawn: Drawn, rng: np.random.Generator) -> list[FinishedOrigin]:
    """What came of each origin's forecasts."""
    found = []
    for origin in range(ORIGINS):
        rows = drawn.at(origin)
        found.append(
            FinishedOrigin(
                BEGIN + day_of(origin) * DAY,
                BEGIN + float(drawn.over_at[rows].max(initial=day_of(origin))) * DAY,
                (drawn.draws[rows] <= 1.0).mean(axis=1) if len(rows) else np.zeros(0),
                drawn.spent[rows],
                np.array([random_rank(drawn.draws[row], drawn.outcome[row], rng.random()) for row in rows]),
                (drawn.outcome[rows] > 1.0).astype(np.float64),
            )
        )
    return found


def corrections(origins: Sequence[FinishedOrigin], start: Correction) -> list[Correction]:
    """What the engine has learnt by each origin: from the last quarter's origins that are over."""
    return [
        learnt_from(
            [one for one in origins[max(0, place - LEARN_ORIGINS) : place] if one.over_at <= now.made_at], start
        )
        for place, now in enumerate(origins)
    ]


def judged(drawn: Drawn, start: Correction) -> list[Row]:
    """The forecasts of the origins after the burn-in, each with what had been learnt until then."""
    rng = np.random.default_rng([7, int(drawn.organization[0])])
    origins = finished_origins(drawn, rng)
    learnt = corrections(origins, start)
    from_model = corrections(origins, Correction(AdaptiveLevels.fresh(), start.probability))
    rules, waiting, rows = Rules(), list[int](), list[Row]()
    told: dict[int, list[dict[str, FloatArray]]] = {}
    for origin, now in enumerate(origins):
        for over in [one for one in waiting if origins[one].over_at <= now.made_at]:
            rules.learn(drawn, drawn.at(over), told.pop(over), rng)
            waiting.remove(over)
        told[origin] = [rules.draws(drawn, row) for row in drawn.at(origin)]
        waiting.append(origin)
        if origin < BURN_IN:
            continue
        for place, row in enumerate(drawn.at(origin)):
            own = dict.fromkeys((OWN, BOUNDS, BY_LEVELS, OWN_START, RAW), drawn.draws[row])
            draws = own | told[origin][place]
            levels = {
                OWN: learnt[origin].levels,
                BOUNDS: learnt[origin].levels,
                BY_LEVELS: learnt[origin].levels,
                OWN_START: from_model[origin].levels,
                RAW: AdaptiveLevels.fresh(),
                **{name: rules.residuals[name].levels for name in RULES},
            }
            # One random number a forecast: who is compared shares the luck of ties.
            rows.append(_judged(drawn, int(row), draws, levels, learnt[origin], float(rng.random())))
    return rows


def _judged(
    drawn: Drawn,
    row: int,
    draws: dict[str, FloatArray],
    levels: dict[str, AdaptiveLevels],
    learnt: Correction,
    uniform: float,
) -> Row:
    outcome, spent = float(drawn.outcome[row]), float(drawn.spent[row])
    loss, covered, probability = {}, {}, {}
    for name in NAMES:
        own = levels[name].own_level(LEVELS)
        loss[name] = pinball(np.quantile(draws[name], own, method="inverted_cdf"), outcome)
        covered[name] = random_rank(draws[name], outcome, uniform) <= own
        share = float((draws[name] <= 1.0).mean())
        probability[name] = 1 - float(levels[name].true_level(share))
    within = float((drawn.draws[row] <= 1.0).mean())
    probability[OWN] = probability[BOUNDS] = float(learnt.exhausted(within, spent))
    bounds = spent_at_most(
        drawn.draws[row], learnt.levels, exhausted=probability[OWN], spent=spent, probabilities=LEVELS.tolist()
    )
    # The moment of the forecast counts, too, and an outcome at a bound is covered.
    given = np.array([one.spent for one in bounds])
    loss[BOUNDS] = pinball(given, max(outcome, spent))
    covered[BOUNDS] = outcome <= given + 1e-9
    asked, lasts = np.array(PROBABILITIES), 1 - np.array([probability[BY_LEVELS], probability[OWN]])
    return Row(
        int(drawn.organization[row]),
        int(drawn.service[row]),
        int(drawn.origin[row]),
        float(drawn.over_at[row]),
        bool(drawn.running[row]),
        28 * float(drawn.daily_traffic[row]),
        spent,
        loss,
        covered,
        probability,
        outcome > 1,
        contradicted=bool(np.any((asked > lasts[0]) != (asked > lasts[1]))),
    )


def _chosen(rows: Sequence[Row], window: ComplianceWindow) -> dict[str, list[Row]]:
    few = 28 * 1_500.0
    return {
        "all": list(rows),
        "given out": [row for row in rows if is_shown(row, window)],
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


def report(rows: Sequence[Row], window: ComplianceWindow) -> None:
    """Print all tables."""
    for title, some in _chosen(rows, window).items():
        hit = sum(row.exhausted for row in some)
        print(f"\n{title}: {len(some)} forecasts, {hit} ran out")
        if len(some) < 50:
            continue
        labels = np.array([row.organization for row in some])
        both = float(np.mean([row.contradicted for row in some]))
        print(f"  bounds by the levels alone would contradict the probability of running out: {both:.1%}")
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
            line = f"  {name:22}{interval(loss, 1000, 2):>24}{g:>26}{brier * 1000:14.2f}{b:>22}{told:9.2%}"
            for level in SHOWN:
                place = int(np.argmin(np.abs(LEVELS - level)))
                seen = clustered_mean(np.array([row.covered[name][place] for row in some], dtype=float), [labels])
                line += f"{interval(seen, 100, 1):>24}"
            print(line)
    for name in (OWN, BY_LEVELS, RAW):
        for title, some in (
            ("all", list(rows)),
            ("given out", [row for row in rows if is_shown(row, window)]),
            ("incident running", [row for row in rows if row.running]),
        ):
            reliability(title, some, name)
    for name in (OWN, RAW):
        by_spent(rows, name)
    print_at_risk(rows, OWN, window, RiskThreshold())


def main(arguments: list[str] | None = None) -> int:
    """Run all organisations."""
    parser = argparse.ArgumentParser(prog="python -m bench.forecast_trial", description=__doc__)
    parser.add_argument("--organizations", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="leave out so many organisations before")
    parser.add_argument("--quick", action="store_true", help="three organisations")
    parser.add_argument("--kept", type=Path)
    asked = parser.parse_args(arguments)
    began = time.process_time()
    rows: dict[ComplianceWindow, list[Row]] = {window: [] for window in WINDOWS}
    organizations = 3 if asked.quick else asked.organizations
    for number in range(organizations):
        for window, drawn in kept(FIRST_SEED + asked.first + number, World(), asked.kept).items():
            rows[window].extend(judged(drawn, Correction.shipped(window)))
        print(f"{number + 1} of {organizations}, {time.process_time() - began:.0f} CPU s", flush=True)
    for window, some in rows.items():
        print(f"\n{window}, {len({row.organization for row in some})} organisations")
        report(some, window)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
