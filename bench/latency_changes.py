"""Composed latency changes against requests played one by one.

    python -m bench.latency_changes --organizations 40

Drawn organisations of three to six services: calls one after another or side by side, by weights from 0.1 to
2.5, some cycles of waiting, timeouts; slow days that several services share. One change each: a dependency
answers later or takes more or less of its time, or a call falls away. The engine sees daily histograms of 28
days and the graph, not the order of calls.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from bench.waiting_requests import BOUNDS, OTEL, Played
from sloengine.domain.topology.composed_latency import ComposedChange, LatencyChange
from sloengine.domain.topology.dependency import Dependency

CLOSE = 0.08
REQUESTS = 2_000


def drawn(rng: np.random.Generator) -> Played:
    """An organisation whose first service is the one asked for."""
    size = int(rng.integers(3, 7))
    names = [f"s{i}" for i in range(size)]
    own = {name: (float(np.exp(rng.normal(np.log(0.05), 0.7))), float(rng.uniform(0.3, 0.8))) for name in names}
    calls = []
    for place in range(1, size):
        for caller in sorted({int(rng.integers(0, place)), int(rng.integers(0, place))}):
            weight = float(rng.choice([0.1, 0.5, 1.0, 1.0, 1.0, 2.5]))
            timeout = int(rng.choice([300, 1_000])) if rng.random() < 0.15 else None
            calls.append(Dependency(names[caller], names[place], call_weight=weight, timeout_ms=timeout))
    if rng.random() < 0.3:
        calls.append(Dependency(names[1], names[0], call_weight=0.3))
    beside = frozenset(name for name in names if rng.random() < 0.4)
    shared = np.where(rng.random(28) < 0.12, rng.uniform(2, 6), 1.0)
    slow = {name: shared for name in names if rng.random() < 0.5}
    return Played(own, tuple(calls), side_by_side=beside, slow=slow)


def changed(played: Played, rng: np.random.Generator) -> tuple[str, LatencyChange, Played]:
    """What it is called, as the engine is told, and as it is played."""
    edge = played.calls[int(rng.integers(0, len(played.calls)))]
    name = edge.dependency if edge.dependency != "s0" else "s1"
    usual = played.percentile(name, 0.95, requests=200)
    match int(rng.integers(0, 4)):
        case 0:
            later = float(rng.uniform(0.2, 1.5)) * usual
            return "later", LatencyChange(shifts={name: later}), replace(played, later={name: later})
        case 1:
            return "slower", LatencyChange(scales={name: 2.0}), replace(played, scale={name: 2.0})
        case 2:
            return "faster", LatencyChange(scales={name: 0.5}), replace(played, scale={name: 0.5})
        case _:
            kept = tuple(one for one in played.calls if one is not edge)
            return "cut", LatencyChange(calls={edge.pair: 0.0}), replace(played, calls=kept)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--organizations", type=int, default=40)
    parser.add_argument("--advised", action="store_true", help="buckets as OpenTelemetry advises, else 60")
    asked = parser.parse_args()
    rows: list[tuple[str, float, float, float, float]] = []
    reasons: dict[str, int] = {}
    for seed in range(asked.organizations):
        rng = np.random.default_rng([7, seed])
        played = drawn(rng)
        kind, change, then = changed(played, rng)
        histories = played.histories(seed, REQUESTS, OTEL if asked.advised else BOUNDS)
        composed = ComposedChange(played.graph, histories, change, seed)
        if "s0" not in composed.affected:
            continue
        for level in (0.95, 0.99):
            found = composed.of("s0", level)
            if found.measured is None or found.low is None or found.high is None:
                key = (found.reason or "").split("(")[0][-60:]
                reasons[key] = reasons.get(key, 0) + 1
                continue
            before = played.percentile("s0", level, requests=REQUESTS)
            came = then.percentile("s0", level, requests=REQUESTS)
            less = before - found.measured  # what the buckets are off by is not what is looked at
            rows.append((kind, before, came, found.low + less, found.high + less))
    print(f"{len(rows)} percentiles told, {sum(reasons.values())} not")
    for kind in ("later", "slower", "faster", "cut"):
        some = [row for row in rows if row[0] == kind]
        if some:
            _, usual, truth, low, high = (np.array(column) for column in zip(*some, strict=True))
            inside = (low <= truth * (1 + CLOSE)) & (high >= truth * (1 - CLOSE))
            print(
                f"  {kind:<7} {len(some):>3}  truth in the range, {CLOSE:.0%} allowed: {inside.mean():.0%}"
                f"  high over truth {np.median(high / truth):.2f} ({np.min(high / truth):.2f} to"
                f" {np.max(high / truth):.2f})  low {np.median(low / truth):.2f} ({np.min(low / truth):.2f} to"
                f" {np.max(low / truth):.2f})  nothing changed {np.median(usual / truth):.2f}"
                f"  range {np.median((high - low) / truth):.2f}"
            )
    for reason, times in sorted(reasons.items(), key=lambda pair: -pair[1]):
        print(f"  not told {times}: … {reason}")


if __name__ == "__main__":
    main()
