"""What drawing minutes jointly is worth: composed latency, joint and independent, over the truth.

    python -m bench.latency_composition [COPIES]

First a made-up service that waits for five others, where the truth is known: in a share of the minutes several of
them are slow at once. Both ways learn from per-minute histograms of one day; the truth is counted over 400,000
requests of other days. Then Online Boutique under injected faults (Nezha): medians of calls a minute, learnt on
half of the ten-minute stretches and judged on the other half, over random halves.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sloengine.domain.topology.latency_along_calls import (
    CallPlan,
    LatencyAlongCalls,
    LatencyTable,
    TimedCall,
)
from tools.nezha_latency import edge_medians
from tools.real_data import RealDataAbsent, real_data

type Floats = npt.NDArray[np.float64]

DRAWS = 100_000
DAY = 1_440
REQUESTS_A_MINUTE = 300
TRUTH_MINUTES = 40_000
REQUESTS_OF_TRUTH = 10
SERVICES = tuple("bcdef")
BOUNDS = np.append(np.geomspace(0.001, 20.0, 60), np.inf)
SLOW_FACTOR = 10.0
SLOW_SHARE = 0.015
RATIOS = f"{'joint / truth':>22} {'independent / truth':>22}"
SPLITS = 30
STRETCH = 10
LEVELS = (0.95, 0.99)


def made_up_minutes(minutes: int, requests: int, hit: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Seconds of each service's calls, shape (minutes, requests).

    Each service is slow in ``SLOW_SHARE`` of the minutes; ``hit`` of the five are slow in the same ones.
    """
    together = rng.random(minutes) < SLOW_SHARE
    found = {}
    for position, name in enumerate(SERVICES):
        slow = together if position < hit else rng.random(minutes) < SLOW_SHARE
        usual = 0.02 * np.exp(0.4 * rng.standard_normal((minutes, requests)))
        found[name] = usual * np.where(slow, SLOW_FACTOR, 1.0)[:, None]
    return found


def composed(
    tables: Mapping[str, LatencyTable], side_by_side: bool, seed: int, *, draws: int = DRAWS
) -> dict[bool, tuple[float, ...]]:
    """Percentiles of a caller that does nothing itself, by whether minutes are joint."""
    calls = tuple(TimedCall(name) for name in tables)
    plan = CallPlan((calls,) if side_by_side else tuple((call,) for call in calls))
    intervals = len(next(iter(tables.values())).seconds)
    nothing = LatencyTable(np.array([0.0, 1.0]), np.zeros((intervals, 2)))
    model = LatencyAlongCalls({"root": nothing, **tables}, {"root": plan})
    found = {}
    for joint in (True, False):
        drawn = model.draw("root", draws, np.random.default_rng(seed), joint=joint)
        found[joint] = tuple(drawn.percentile(level) for level in LEVELS)
    return found


def made_up(copies: int) -> None:
    """Ratios to the truth, median and range over copies."""
    print(f"made up: five calls, each slow in {SLOW_SHARE:.1%} of minutes, {copies} days each")
    print(f"{'slow together':>13} {'waits':>12} {'level':>6} {RATIOS}")
    for hit in (1, 3, 5):
        for side_by_side in (False, True):
            ratios: dict[bool, list[list[float]]] = {True: [], False: []}
            for copy in range(copies):
                rng = np.random.default_rng([hit, copy])
                day = made_up_minutes(DAY, REQUESTS_A_MINUTE, hit, rng)
                tables = {name: LatencyTable.of_histograms(BOUNDS, _counts(rows)) for name, rows in day.items()}
                other = made_up_minutes(TRUTH_MINUTES, REQUESTS_OF_TRUTH, hit, rng)
                stacked = np.stack(list(other.values()))
                whole = stacked.max(axis=0) if side_by_side else stacked.sum(axis=0)
                truth = np.quantile(whole, LEVELS)
                for joint, values in composed(tables, side_by_side, copy).items():
                    ratios[joint].append((np.array(values) / truth).tolist())
            waits = "side by side" if side_by_side else "in turn"
            for position, level in enumerate(LEVELS):
                texts = [_spread(np.array(ratios[joint])[:, position]) for joint in (True, False)]
                print(f"{hit:13d} {waits:>12} {level:6.2f} {texts[0]:>22} {texts[1]:>22}")


def _counts(rows: Floats) -> Floats:
    place = np.searchsorted(BOUNDS, rows)
    flat = np.arange(len(rows))[:, None] * len(BOUNDS) + place
    return np.bincount(flat.ravel(), minlength=len(rows) * len(BOUNDS)).reshape(len(rows), -1).astype(np.float64)


def _spread(ratios: Floats) -> str:
    return f"{np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f})"


def online_boutique() -> None:
    """Per-minute medians of calls: both ways over what the other half of the minutes shows."""
    source = real_data("nezha-online-boutique")
    print(f"\nonline boutique under faults: medians of calls a minute, {SPLITS} random halves")
    print(f"{'reporter':>12} {'caller':>16} {'waits':>12} {'level':>6} {RATIOS}")
    for reporter in ("source", "destination"):
        medians = edge_medians(source, reporter)
        for caller in ("frontend", "checkoutservice"):
            calls = {pair[1]: seconds for pair, seconds in medians.items() if pair[0] == caller}
            for side_by_side in (False, True):
                ratios = [_on_halves(calls, side_by_side, split) for split in range(SPLITS)]
                waits = "side by side" if side_by_side else "in turn"
                for position, level in enumerate(LEVELS):
                    texts = [
                        _spread(np.array([one[joint][position] for one in ratios])) for joint in (True, False)
                    ]
                    print(f"{reporter:>12} {caller:>16} {waits:>12} {level:6.2f} {texts[0]:>22} {texts[1]:>22}")


def _on_halves(calls: Mapping[str, Floats], side_by_side: bool, split: int) -> dict[bool, Floats]:
    stacked = np.stack(list(calls.values()))
    minutes = np.flatnonzero(~np.isnan(stacked).any(axis=0))
    learnt = np.random.default_rng(split).random(stacked.shape[1] // STRETCH + 1)[minutes // STRETCH] < 0.5
    tables = {
        name: LatencyTable(np.array([0.0, 1.0]), np.repeat(seconds[minutes[learnt], None], 2, axis=1))
        for name, seconds in calls.items()
    }
    held = stacked[:, minutes[~learnt]]
    truth = np.quantile(held.max(axis=0) if side_by_side else held.sum(axis=0), LEVELS)
    found = composed(tables, side_by_side, split, draws=DRAWS // 5)
    return {joint: np.array(values) / truth for joint, values in found.items()}


def main() -> int:
    """Print both tables."""
    made_up(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
    try:
        online_boutique()
    except RealDataAbsent as error:
        print(f"\nonline boutique left out: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
