"""The section ``latency`` of ``bench.accuracy``: beside an oracle, and in worlds unlike the shipped prior's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.latency_organizations import OFF_WORLDS
from bench.latency_shared import FIRST_SEED, TIERS, beside_rules, judge_many, summarize

FUTURES = 40
_OFF_DAYS, _OFF_WINDOW = 30, 28


def usual_latency(
    organizations: int,
    histories: Sequence[int],
    windows: Sequence[int],
    workers: int,
    kept: Callable[[str, int, float, float], str],
) -> Iterator[str]:
    """Lines, as they come. ``kept``: notes a goal of one tier, with hold less oracle's and P(met) less hold."""
    seeds = range(FIRST_SEED, FIRST_SEED + organizations)
    for days in histories:
        for window, judged in judge_many(seeds, days, FUTURES, windows, workers).items():
            yield f"{days} days of history, windows of {window} days: {len(judged)} organisations"
            for row in summarize(judged):
                say = f"{row.kind} {days} d, windows of {window} d {row.tier}"
                word = kept(say, TIERS.index(row.tier), row.difference.value, row.over_promise.value)
                yield f"  {row.text()}  {word}"
            for rule in beside_rules(judged):
                yield f"  {rule.text()}{'  BETTER' if rule.is_better else ''}"


def off_latency(organizations: int, workers: int, kept: Callable[[str, int, float], str]) -> Iterator[str]:
    """The same in worlds that the shipped prior does not expect, one after the other."""
    seeds = range(FIRST_SEED, FIRST_SEED + organizations)
    for world in OFF_WORLDS:
        judged = judge_many(seeds, _OFF_DAYS, FUTURES, (_OFF_WINDOW,), workers, world)[_OFF_WINDOW]
        yield f"{_OFF_DAYS} days of history, {world.text()}: {len(judged)} organisations"
        for row in summarize(judged):
            word = kept(f"{row.kind} {world.text()} {row.tier}", TIERS.index(row.tier), row.difference.value)
            yield f"  {row.text()}  {word}"
