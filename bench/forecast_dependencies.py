"""``python -m bench.forecast_dependencies [--organizations 10]``: do the dependencies' series help a forecast?

Simulated organisations with calls, retries, caches, zone and platform incidents; weekly origins, 28-day windows,
promises as the engine's tiers would choose them. Beside the forecast from the service's own series two that look
at what it calls: *told of them*, in which an incident that runs in a dependency whose failures pass on counts as
one that runs in the service itself; and *composed*, in which the service's own failures are forecast without the
inherited ones, and each dependency's forecast is added as far as its failures have passed on. Which failures were
inherited the composed one takes from the simulator itself: better than any telemetry can know. Each has its own
adaptive levels. Gains are over the own series alone, with a 95 % interval by leaving out one organisation at a
time. Deterministic.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from bench.forecast_drawn import LOOKBACK, peak, targets_of
from sloengine.domain.forecast.conformal import LEVELS, AdaptiveLevels, pinball, random_rank
from sloengine.domain.forecast.failure_paths import FailurePaths, failure_paths
from sloengine.domain.forecast.horizon import ROLLING_HORIZON_DAYS, horizon_of
from sloengine.domain.recommendation.incidents import IncidentSplit, split_incidents
from sloengine.domain.recommendation.organization_prior import OrganizationPrior, prior_from_days
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.simulation.drawn import draw_organisation
from sloengine.domain.simulation.habits import Stretch
from sloengine.domain.simulation.organisation import Organisation
from sloengine.domain.simulation.playing import Cut, play_range
from sloengine.domain.simulation.settings import Faults, Shared, parameters_of

FIRST_HOUR = 490_896
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WARM_DAYS, BURN_IN, TESTED = 120, 8, 14
STEPS = np.ones(ROLLING_HORIZON_DAYS)
WINDOW = ComplianceWindow.ROLLING_28D
OWN, TOLD, COMPOSED = "own series", "told of them", "composed"
VARIANTS = (OWN, TOLD, COMPOSED)
PASSES_ON = 0.5
"""A dependency of which at least this part of the failures passes on counts as hard."""


@dataclass
class Row:
    """One forecast by every variant. ``near``: an incident runs in a hard dependency, none in the service."""

    organization: int
    near: bool
    loss: dict[str, float]
    probability: dict[str, float]
    exhausted: bool


@dataclass(frozen=True)
class Days:
    """Daily sums, shape (n_services, n_days); ``hits``: inherited failures by (caller, dependency)."""

    names: tuple[str, ...]
    bad: FloatArray
    valid: FloatArray
    hits: Mapping[tuple[int, int], FloatArray]

    def history(self, bad: FloatArray, rows: slice, first: int, day: int) -> DailyHistory:
        """Days [first, day) of some services, with these failures."""
        valid = self.valid[rows, first:day]
        ends = BEGIN + day * DAY
        return DailyHistory(self.names[rows], ends, bad[rows, first:day], valid, np.ones(valid.shape))


@dataclass
class Asked:
    """Forecasts of one origin until they are over, and the levels of each variant."""

    levels: dict[str, AdaptiveLevels] = field(
        default_factory=lambda: {name: AdaptiveLevels.fresh() for name in VARIANTS}
    )
    draws: list[dict[str, FloatArray]] = field(default_factory=list)
    outcomes: list[float] = field(default_factory=list)

    def learn(self, rng: np.random.Generator) -> None:
        """A week is over before the next origin."""
        for name in VARIANTS:
            ranks = [
                random_rank(one[name], came, rng.random())
                for one, came in zip(self.draws, self.outcomes, strict=True)
            ]
            self.levels[name] = self.levels[name].after(np.array(ranks))
        self.draws, self.outcomes = [], []


def played(organisation: Organisation, days: int) -> Days:
    """What the services saw, and what truly reached them through each call."""
    cut = Cut(organisation.parameters, FIRST_HOUR, FIRST_HOUR + 24 * days, DAY)
    parts: dict[str, list[FloatArray]] = {"failed_requests": [], "requests": [], "hits": []}
    for one in play_range(organisation, cut):
        for name, found in parts.items():
            found.append(cut.within(one.block, np.asarray(getattr(one.counts, name), dtype=np.float64)))
    bad, valid, hits = (cut.summed(np.concatenate(found, axis=1)) for found in parts.values())
    topology = organisation.topology
    position = topology.position
    by_pair = {
        (position[call.caller], position[call.dependency]): hits[place]
        for place, call in enumerate(topology.calls)
    }
    return Days(tuple(one.service_id for one in topology.services), bad, valid, by_pair)


def tried(number: int, services: int) -> list[Row]:
    """All origins of one organisation."""
    days = WARM_DAYS + 7 * (BURN_IN + TESTED)
    stretch = Stretch(FIRST_HOUR, FIRST_HOUR + 24 * days)
    drawn = draw_organisation(services, parameters_of(Faults.RARE, Shared.ALL), number, stretch)
    seen = played(drawn.organisation, days)
    whole = slice(None)
    targets = targets_of(seen.history(seen.bad, whole, 0, WARM_DAYS), number)
    inherited = np.zeros(seen.bad.shape)
    for (caller, _), hits in seen.hits.items():
        inherited[caller] += hits
    alone = np.maximum(0.0, seen.bad - inherited)
    monitored = [one.monitored for one in drawn.organisation.topology.services]
    rng = np.random.default_rng([7, number])
    asked, rows = Asked(), []
    for origin in range(BURN_IN + TESTED):
        day = WARM_DAYS + 7 * origin
        asked.learn(rng)
        prior = prior_from_days(seen.history(seen.bad, whole, 0, day), learnt_at=BEGIN + day * DAY)
        alone_prior = prior_from_days(seen.history(alone, whole, 0, day), learnt_at=BEGIN + day * DAY)
        reach = _reach(seen, day)
        known = [
            _known(seen, seen.bad, place, day, prior, (number, place, origin)) for place in range(len(seen.names))
        ]
        for place, (one, split) in enumerate(known):
            if one is None or not monitored[place]:
                continue
            bad, valid, target = seen.bad[place], seen.valid[place], float(targets[place])
            horizon = horizon_of(bad[:day], valid[:day], window=WINDOW, as_of=BEGIN + day * DAY)
            if bad[day - 28 : day].sum() > valid[day - 28 : day].sum() * (1 - target):
                continue
            near = not one.running and any(
                passed >= PASSES_ON and (other := known[dependency][0]) is not None and other.running
                for dependency, passed in reach.get(place, {}).items()
            )
            paths = {OWN: one, TOLD: one}
            if near:
                hit = replace(split, running=np.ones_like(split.running))
                paths[TOLD] = _paths(seen, seen.bad, place, day, prior, (number, place, origin), hit) or one
            paths[COMPOSED] = _composed(
                seen, alone, place, day, alone_prior, (number, place, origin), known, reach
            )
            after = slice(day, day + ROLLING_HORIZON_DAYS)
            outcome = float(peak(horizon, bad[after], valid[after], target))
            draws = {
                name: np.sort(peak(horizon, found.failures, found.traffic, target))
                for name, found in paths.items()
            }
            asked.draws.append(draws)
            asked.outcomes.append(outcome)
            if origin >= BURN_IN:
                rows.append(_judged(number, near, draws, asked.levels, outcome))
    return rows


def _reach(seen: Days, day: int) -> dict[int, dict[int, float]]:
    """Of each caller's dependencies: failed share of the caller's requests per failed share of theirs, so far."""
    found: dict[int, dict[int, float]] = {}
    for (caller, dependency), hits in seen.hits.items():
        share = seen.bad[dependency, :day] / np.maximum(seen.valid[dependency, :day], 1.0)
        could = float((share * seen.valid[caller, :day]).sum())
        found.setdefault(caller, {})[dependency] = min(2.0, float(hits[:day].sum()) / could) if could > 0 else 0.0
    return found


def _split(seen: Days, bad: FloatArray, place: int, day: int) -> tuple[DailyHistory, IncidentSplit]:
    history = seen.history(bad, slice(place, place + 1), day - LOOKBACK, day)
    return history, split_incidents(history)


def _known(
    seen: Days, bad: FloatArray, place: int, day: int, prior: OrganizationPrior, seed: Sequence[int]
) -> tuple[FailurePaths | None, IncidentSplit]:
    history, split = _split(seen, bad, place, day)
    return failure_paths(history, prior, STEPS, np.random.default_rng(list(seed)), 1_000, split), split


def _paths(
    seen: Days,
    bad: FloatArray,
    place: int,
    day: int,
    prior: OrganizationPrior,
    seed: Sequence[int],
    split: IncidentSplit,
) -> FailurePaths | None:
    history, _ = _split(seen, bad, place, day)
    return failure_paths(history, prior, STEPS, np.random.default_rng(list(seed)), 1_000, split)


def _composed(
    seen: Days,
    alone: FloatArray,
    place: int,
    day: int,
    prior: OrganizationPrior,
    seed: Sequence[int],
    known: Sequence[tuple[FailurePaths | None, IncidentSplit]],
    reach: Mapping[int, Mapping[int, float]],
) -> FailurePaths:
    """Own failures without the inherited ones, and each dependency's as far as they have passed on."""
    history, split = _split(seen, alone, place, day)
    mine = failure_paths(history, prior, STEPS, np.random.default_rng([*seed, 1]), 1_000, split)
    if mine is None:
        raise RuntimeError("a service that was forecast has traffic")
    failures = mine.failures.copy()
    for dependency, passed in reach.get(place, {}).items():
        other = known[dependency][0]
        if other is not None:
            failures += np.minimum(1.0, passed * other.failures / np.maximum(other.traffic, 1.0)) * mine.traffic
    return FailurePaths(np.minimum(failures, mine.traffic), mine.traffic, mine.daily_traffic, mine.running)


def _judged(
    number: int,
    near: bool,
    draws: Mapping[str, FloatArray],
    levels: Mapping[str, AdaptiveLevels],
    outcome: float,
) -> Row:
    loss, probability = {}, {}
    for name in VARIANTS:
        quantiles = np.quantile(draws[name], levels[name].own_level(LEVELS), method="inverted_cdf")
        loss[name] = pinball(quantiles, outcome)
        probability[name] = 1 - float(levels[name].true_level(float((draws[name] <= 1.0).mean())))
    return Row(number, near, loss, probability, outcome > 1)


def _gain(own: FloatArray, other: FloatArray, labels: FloatArray) -> str:
    whole = 1 - other.sum() / own.sum()
    every = np.unique(labels)
    left = np.array([1 - other[labels != one].sum() / own[labels != one].sum() for one in every])
    half = 2.2 * np.sqrt((len(every) - 1) / len(every) * ((left - left.mean()) ** 2).sum())
    return f"{whole:7.1%} [{whole - half:6.1%}, {whole + half:6.1%}]"


def report(rows: Sequence[Row]) -> None:
    """Print gains over the own series alone."""
    for title, some in (
        ("all", list(rows)),
        ("an incident runs in a hard dependency, none in the service", [row for row in rows if row.near]),
    ):
        labels = np.array([row.organization for row in some], dtype=np.float64)
        print(f"\n{title}: {len(some)} forecasts, {sum(row.exhausted for row in some)} ran out")
        if len(np.unique(labels)) < 3:
            continue
        own = np.array([row.loss[OWN] for row in some])
        brier = np.array([(row.probability[OWN] - row.exhausted) ** 2 for row in some])
        for name in VARIANTS[1:]:
            loss = np.array([row.loss[name] for row in some])
            theirs = np.array([(row.probability[name] - row.exhausted) ** 2 for row in some])
            print(f"  {name:16} pinball loss {_gain(own, loss, labels)}   Brier {_gain(brier, theirs, labels)}")


def main(arguments: list[str] | None = None) -> int:
    """Run all organisations."""
    parser = argparse.ArgumentParser(prog="python -m bench.forecast_dependencies", description=__doc__)
    parser.add_argument("--organizations", type=int, default=10)
    parser.add_argument("--services", type=int, default=30)
    asked = parser.parse_args(arguments)
    began = time.process_time()
    rows: list[Row] = []
    for number in range(asked.organizations):
        rows.extend(tried(number, asked.services))
    report(rows)
    print(f"{time.process_time() - began:.0f} CPU s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
