"""What several sources say over time, and what the graph must be after it, worked out apart from the engine."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from sloengine.domain.topology.dependency import DiscoverySource

S = DiscoverySource
CONFIDENCE = {S.MANUAL: 0.95, S.MESH: 0.9, S.OTEL: 0.9, S.K8S: 0.6, S.BACKSTAGE: 0.7}
DAYS_TO_LIVE = {S.MANUAL: math.inf, S.MESH: 7.0, S.OTEL: 7.0, S.K8S: 30.0, S.BACKSTAGE: 30.0}
CRITICALITY_RANK = [S.MANUAL, S.MESH, S.OTEL, S.K8S, S.BACKSTAGE]
WEIGHT_RANK = [S.MESH, S.OTEL, S.MANUAL, S.K8S, S.BACKSTAGE]
HARDEST_FIRST = ["HARD", "DEGRADED", "SOFT"]

type Pair = tuple[str, str]
type Said = tuple[str | None, float | None]


@dataclass(frozen=True)
class Statement:
    """One ingestion: what a source saw ``age`` days ago. ``rows``: criticality and call weight by pair.

    ``complete``: all that it knows, of ``callers`` or (empty) of everybody.
    """

    source: DiscoverySource
    age: float
    rows: dict[Pair, Said]
    complete: bool = False
    callers: tuple[str, ...] = ()

    def given(self, now: datetime) -> dict[str, Any]:
        """As a client sends it."""
        listed = [
            {"caller": caller, "dependency": dependency}
            | ({} if criticality is None else {"criticality": criticality})
            | ({} if weight is None else {"callWeight": weight})
            for (caller, dependency), (criticality, weight) in self.rows.items()
        ]
        return {
            "source": self.source,
            "services": [{"serviceId": caller} for caller in self.callers],
            "dependencies": listed,
            "complete": self.complete,
            "observed_at": now - timedelta(days=self.age),
        }


@dataclass(frozen=True)
class Expected:
    """An edge as it must be."""

    criticality: str
    call_weight: float | None
    confidence: float
    is_stale: bool
    sources: frozenset[DiscoverySource]


def expected(statements: Sequence[Statement], waited: float) -> dict[Pair, Expected]:
    """The merged graph ``waited`` days after the moment that ages are counted from; order plays no part in it."""
    pairs = {pair for statement in statements for pair in statement.rows}
    found: dict[Pair, Expected] = {}
    for pair in sorted(pairs):
        live = {
            source: claim
            for source in DiscoverySource
            if (claim := _claim([one for one in statements if one.source is source], pair)) is not None
        }
        if live:
            found[pair] = _edge(live, waited)
    return found


def _claim(statements: Sequence[Statement], pair: Pair) -> tuple[float, Said] | None:
    """Age and content of what one source says of a pair; None: nothing, or no longer."""
    naming = [one for one in statements if pair in one.rows]
    if not naming:
        return None
    age = min(one.age for one in naming)
    lists = [one.age for one in statements if one.complete and (not one.callers or pair[0] in one.callers)]
    if lists and age > min(lists):
        return None
    newest = [one.rows[pair] for one in naming if one.age == age]
    stated = [criticality for criticality, _ in newest]
    # Not to say it counts as HARD, but leaves the word to other sources, unless somebody says HARD.
    hardest = min(stated, key=["HARD", None, "DEGRADED", "SOFT"].index)
    weights = [weight for _, weight in newest if weight is not None]
    return age, (hardest, max(weights) if weights else None)


def _edge(live: dict[DiscoverySource, tuple[float, Said]], waited: float) -> Expected:
    fresh = {source: max(0.0, 1.0 - (age + waited) / DAYS_TO_LIVE[source]) for source, (age, _) in live.items()}

    def first(rank: Sequence[DiscoverySource], part: int) -> Any:
        ordered = [s for s in rank if s in live and fresh[s] > 0] + [
            s for s in rank if s in live and fresh[s] <= 0
        ]
        return next((live[s][1][part] for s in ordered if live[s][1][part] is not None), None)

    return Expected(
        criticality=first(CRITICALITY_RANK, 0) or "HARD",
        call_weight=first(WEIGHT_RANK, 1),
        confidence=1.0 - math.prod(1.0 - CONFIDENCE[source] * fresh[source] for source in live),
        is_stale=all(value <= 0 for value in fresh.values()),
        sources=frozenset(live),
    )


PAIRS = [(a, b) for a in "abcd" for b in "abcd" if a != b]
AGES = [0.0, 0.25, 1.0, 2.0, 6.75, 8.0, 25.0, 31.0]
CRITICALITIES = [None, *HARDEST_FIRST]
WEIGHTS = [None, 0.5, 2.0]

statements = st.builds(
    Statement,
    source=st.sampled_from(list(S)),
    age=st.sampled_from(AGES),
    rows=st.dictionaries(
        st.sampled_from(PAIRS), st.tuples(st.sampled_from(CRITICALITIES), st.sampled_from(WEIGHTS)), max_size=4
    ),
    complete=st.booleans(),
    callers=st.sampled_from([(), (), ("a",), ("b", "c")]),
).filter(lambda one: one.rows or one.complete)


def drawn(seed: int, count: int) -> list[Statement]:
    """Statements for tests in which each example costs much."""
    chosen = random.Random(seed)
    return [
        Statement(
            source=chosen.choice([S.MANUAL, S.OTEL, S.K8S]),
            age=chosen.choice(AGES),
            rows={
                pair: (chosen.choice(CRITICALITIES), chosen.choice(WEIGHTS))
                for pair in chosen.sample(PAIRS, chosen.randint(1, 4))
            },
            complete=chosen.random() < 0.4,
            callers=chosen.choice([(), ("a",), ("b", "c")]),
        )
        for _ in range(count)
    ]
