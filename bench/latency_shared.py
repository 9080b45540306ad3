"""Do latency targets hold where slow spells are shared by a platform or a zone? Beside an oracle.

    python -m bench.latency_shared --organizations 24 --days 14 30 90 --windows 7 28 30
    python -m bench.latency_shared --rules          beside what people do without the engine
    python -m bench.latency_shared --off            worlds that the shipped prior does not expect, each for itself

The organisations are those of ``bench/latency_organizations.py``: thirty services, each with slow spells of its
own, and three zones and one platform whose slow spells reach all that is in them. The same organisation is played
on from its as-of day many times, with fresh random numbers. A target's hold rate is the share of these futures in
which it is met; the oracle knows all but the random numbers: its targets are the bucket bounds that held in three
quarters of the futures as often as the tier asks, judged on the rest. Intervals are 95 % and count whole
organisations. Numbers of organisations are 80,000 and more: nothing was learnt or chosen on those.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from bench.latency_organizations import OFF_WORLDS, SERVICES, USUAL, WINDOWS, Played, SlowWorld, play
from bench.latency_trial import DAY, FINE, KINDS, SHARE, START
from sloengine.cli.accuracy_text import spread_text
from sloengine.domain.accuracy.clustered import ClusteredMean, clustered_mean
from sloengine.domain.accuracy.latency_baselines import LATENCY_DESCRIPTIONS, latency_baseline_targets
from sloengine.domain.recommendation.latency_days import cut_history
from sloengine.domain.recommendation.latency_prior import learn_latency_prior
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, TierName
from sloengine.domain.recommendation.recommend_latency import recommend_latency
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings

type Floats = npt.NDArray[np.float64]

TIERS = tuple(TierName)
FIRST_SEED = 80_000
_FOLDS = 4


@dataclass(frozen=True)
class Judged:
    """Per service, percentile and tier; NaN where there is no target. ``price``: threshold over the oracle's.

    ``threshold_ms``; ``rules``: of each simple rule, hold and threshold.
    """

    promised: Floats
    held: Floats
    oracle_held: Floats
    price: Floats
    threshold_ms: Floats
    rules: Mapping[str, tuple[Floats, Floats]]


@dataclass(frozen=True)
class LatencyRow:
    """One percentile and tier of all organisations. ``difference``: hold less the oracle's."""

    kind: ObjectiveKind
    tier: TierName
    held: float
    oracle: float
    difference: ClusteredMean
    over_promise: ClusteredMean
    price: float
    without_target: float

    def text(self) -> str:
        """One line."""
        return (
            f"{self.kind[-3:].lower()} {self.tier:<12} holds {self.held:6.1%}  oracle {self.oracle:6.1%}"
            f"  difference {spread_text(self.difference)}  P(met) less held {spread_text(self.over_promise)}"
            f"  threshold {self.price:.2f} x the oracle's  none {self.without_target:.1%}"
        )


def judge(
    seed: int, days: int, futures: int, windows: Sequence[int] = (28,), world: SlowWorld = USUAL
) -> dict[int, Judged]:
    """Draw an organisation, recommend, and look at what may come; by length of the window in days."""
    played = play(seed, days, futures, world=world, windows=windows)
    return {length: _judged(played, length) for length in windows}


def _judged(played: Played, length: int) -> Judged:
    as_of, settings = START + DAY * played.days, EngineSettings()
    prior = learn_latency_prior(played.histories, as_of=as_of)
    total = np.cumsum(played.ahead[length], axis=2)
    below = total / total[..., -1:]
    empty = np.full((len(played.names), len(KINDS), 3), np.nan)
    promised, held, oracle_held, price, thresholds = (empty.copy() for _ in range(5))
    rules = {rule: (empty.copy(), empty.copy()) for rule in LATENCY_DESCRIPTIONS}
    fold = np.arange(below.shape[1]) % _FOLDS
    for i, name in enumerate(played.names):
        request = LatencyRequest(name, WINDOWS[length], as_of, played.histories[name], as_of)
        answer = recommend_latency(request, prior, settings)
        if not isinstance(answer, Recommendation):
            continue
        for t, tier in enumerate(TIERS):
            for target in answer.tier(tier).targets:
                k = KINDS.index(target.kind)
                met = below[i] >= SHARE[target.kind] - 1e-12  # (futures, bounds), never falls with the bound
                at = int(np.argmin(np.abs(FINE[:-1] * 1000 - (target.threshold_ms or np.nan))))
                nominal = settings.nominal_probability[tier]
                crossed = [
                    float(met[fold == one, _least(met[fold != one], nominal)].mean()) for one in range(_FOLDS)
                ]
                promised[i, k, t], held[i, k, t] = target.probability_met, met[:, at].mean()
                oracle_held[i, k, t] = np.mean(crossed)
                price[i, k, t] = FINE[at] / FINE[_least(met, nominal)]
                thresholds[i, k, t] = target.threshold_ms or np.nan
        counts, _ = cut_history(played.histories[name], as_of=as_of, lookback_days=settings.lookback_days)
        said = latency_baseline_targets(
            counts, FINE, settings, window_days=length, rng=np.random.default_rng([played.days, length, i])
        )
        for (rule, kind, tier), threshold in said.items():
            where, at = (
                (i, KINDS.index(kind), TIERS.index(tier)),
                int(np.argmin(np.abs(FINE[:-1] * 1000 - threshold))),
            )
            rules[rule][0][where] = (below[i, :, at] >= SHARE[kind] - 1e-12).mean()
            rules[rule][1][where] = threshold
    return Judged(promised, held, oracle_held, price, thresholds, rules)


def _least(met: npt.NDArray[np.bool_], nominal: float) -> int:
    """The lowest bound that is met as often as that; the last one always is."""
    return int(np.argmax(met.mean(axis=0) >= nominal))


def summarize(judged: Sequence[Judged]) -> Iterator[LatencyRow]:
    """One row a percentile and tier."""
    labels = np.repeat(np.arange(len(judged)), [len(one.held) for one in judged])
    for k, kind in enumerate(KINDS):
        for t, tier in enumerate(TIERS):
            promised, held, oracle, price = (
                np.concatenate([getattr(one, name)[:, k, t] for one in judged])
                for name in ("promised", "held", "oracle_held", "price")
            )
            yield LatencyRow(
                kind=kind,
                tier=tier,
                held=float(np.nanmean(held)),
                oracle=float(np.nanmean(oracle)),
                difference=clustered_mean(held - oracle, [labels]),
                over_promise=clustered_mean(promised - held, [labels]),
                price=float(np.nanmedian(price)),
                without_target=float(np.isnan(held).mean()),
            )


@dataclass(frozen=True)
class RuleRow:
    """A simple rule beside the engine, where both have a threshold."""

    kind: ObjectiveKind
    tier: TierName
    rule: str
    held: float
    engine_held: float
    ratio: float
    """Median of its threshold over the engine's."""

    @property
    def is_better(self) -> bool:
        """It holds at least as often, and is tighter."""
        return self.held >= self.engine_held and self.ratio < 1

    def text(self) -> str:
        """One line."""
        return (
            f"{self.kind[-3:].lower()} {self.tier:<12} {self.rule:<14} holds {self.held:6.1%}  engine "
            f"{self.engine_held:6.1%}  threshold {self.ratio:.2f} x the engine's"
        )


def beside_rules(judged: Sequence[Judged]) -> Iterator[RuleRow]:
    """One row a percentile, tier and rule."""
    for k, kind in enumerate(KINDS):
        for t, tier in enumerate(TIERS):
            held, threshold = (
                np.concatenate([getattr(one, name)[:, k, t] for one in judged])
                for name in ("held", "threshold_ms")
            )
            for rule in LATENCY_DESCRIPTIONS:
                theirs, said = (np.concatenate([one.rules[rule][j][:, k, t] for one in judged]) for j in (0, 1))
                both = ~(np.isnan(held) | np.isnan(theirs))
                yield RuleRow(
                    kind=kind,
                    tier=tier,
                    rule=rule,
                    held=float(theirs[both].mean()),
                    engine_held=float(held[both].mean()),
                    ratio=float(np.median(said[both] / threshold[both])),
                )


def judge_many(
    seeds: Sequence[int],
    days: int,
    futures: int,
    windows: Sequence[int],
    workers: int,
    world: SlowWorld = USUAL,
) -> Mapping[int, list[Judged]]:
    """All of them, by length of the window; in this process where ``workers`` is 1."""
    job = partial(judge, days=days, futures=futures, windows=windows, world=world)
    if workers == 1:
        found = [job(seed) for seed in seeds]
    else:
        with ProcessPoolExecutor(workers) as pool:
            found = list(pool.map(job, seeds))
    return {length: [one[length] for one in found] for length in windows}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organizations", type=int, default=24)
    parser.add_argument("--services", type=int, default=SERVICES, help="of each organisation")
    parser.add_argument("--days", type=int, nargs="+", default=[14, 30, 90])
    parser.add_argument("--windows", type=int, nargs="+", default=[28], choices=sorted(WINDOWS))
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="number of the first organisation")
    parser.add_argument("--futures", type=int, default=40)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--off", action="store_true", help="worlds unlike what the shipped prior expects")
    parser.add_argument("--apart", action="store_true", help="no spell is shared")
    parser.add_argument("--rules", action="store_true", help="also simple rules in the engine's place")
    asked = parser.parse_args()
    kinds = OFF_WORLDS if asked.off else (SlowWorld(shared=not asked.apart),)
    worlds = [replace(world, services=asked.services) for world in kinds]
    seeds = range(asked.first_seed, asked.first_seed + asked.organizations)
    for days in asked.days:
        for world in worlds:
            by_length = judge_many(seeds, days, asked.futures, asked.windows, asked.workers, world)
            for length, judged in by_length.items():
                print(
                    f"{days} days of history, windows of {length}, {len(judged)} organisations, {asked.futures} "
                    f"futures each, {world.text()}",
                    flush=True,
                )
                for row in summarize(judged):
                    print(f"  {row.text()}", flush=True)
                for found in beside_rules(judged) if asked.rules else ():
                    print(f"  {found.text()}{'  BETTER' if found.is_better else ''}", flush=True)


if __name__ == "__main__":
    main()
