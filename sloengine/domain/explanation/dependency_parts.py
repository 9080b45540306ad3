"""A service's dependencies as an explanation counts them: the main ones by name, the rest together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sloengine.domain.explanation.failures_by_source import failures_by_source
from sloengine.domain.explanation.multilinear import failure_shares
from sloengine.domain.reliability.daily import daily_sums
from sloengine.domain.reliability.panel import FloatArray, SliPanel
from sloengine.domain.topology.inherited_failure import InheritedFailure
from sloengine.domain.topology.joint_draws import DrawnSources

MOST_PARTS = 3
"""Main dependencies and the rest together: each doubles the coalitions."""
LEAST_SHARE = 0.005
"""A dependency that answers for less of the service's failures is never named."""


@dataclass(frozen=True)
class Part:
    """One dependency, or (``service_id`` None) all the others.

    ``sources``: its rows of the inherited failure's sources. ``share``: of the service's failures, in [0, 1].
    """

    service_id: str | None
    sources: tuple[int, ...]
    share: float


@dataclass(frozen=True)
class Dependencies:
    """What reaches a service from below, and its own failures by day split accordingly.

    ``drawn``: the sources in future windows. ``failures``: failed events, shape (1 + n_parts, n_days), the
    service's own first; columns add up to its failures on record.
    """

    drawn: DrawnSources
    parts: tuple[Part, ...]
    failures: FloatArray

    @property
    def inherited(self) -> InheritedFailure:
        """What reaches the service, source by source."""
        return self.drawn.inherited

    def factors(self, by_part: Sequence[float]) -> list[float]:
        """The parts' factors, by source."""
        found = [1.0] * len(self.inherited.sources)
        for part, factor in zip(self.parts, by_part, strict=True):
            for source in part.sources:
                found[source] = factor
        return found


def main_parts(inherited: InheritedFailure) -> tuple[Part, ...]:
    """The dependencies that matter most (Shapley values of the product), largest first, then the rest together."""
    reaching = [source.phi * source.own for source in inherited.sources]
    worth = failure_shares(np.array(reaching))
    shares = inherited.shares
    by_name: dict[str, list[int]] = {}
    for position, source in enumerate(inherited.sources):
        if shares[position] > 0.0:
            by_name.setdefault(source.service_id, []).append(position)
    ordered = sorted(by_name.items(), key=lambda item: (-float(worth[item[1]].sum()), item[0]))
    parts = [Part(name, tuple(rows), sum(shares[row] for row in rows)) for name, rows in ordered]
    named = MOST_PARTS if len(parts) <= MOST_PARTS else MOST_PARTS - 1
    main = [part for part in parts[:named] if part.share >= LEAST_SHARE]
    rest = parts[len(main) :]
    if rest:
        main.append(Part(None, tuple(row for part in rest for row in part.sources), sum(p.share for p in rest)))
    return tuple(main)


def split_failures(
    bad: FloatArray,
    valid: FloatArray,
    parts: Sequence[Part],
    inherited: InheritedFailure,
    panel: SliPanel,
    lookback_days: int,
    *,
    caused: Callable[[Sequence[str]], SliPanel | None],
) -> FloatArray:
    """Failed events by day of the service itself and of each part, shape (1 + n_parts, n_days).

    ``caused``: which of the service's requests each source caused to fail, where that was traced. Else ``panel``,
    telemetry of the sources, tells when they failed; of one that is not in it, failures are spread evenly.
    """
    traced = _traced(parts, inherited, caused, panel, lookback_days, len(bad))
    if traced is not None:
        return failures_by_source(bad, traced, np.array([part.share for part in parts]))
    names = sorted({inherited.sources[row].service_id for part in parts for row in part.sources} & set(panel.rows))
    ratios: Mapping[str, FloatArray] = {}
    if names:
        daily = daily_sums(panel.select(names), as_of=panel.ends_at, lookback_days=lookback_days)
        known = np.divide(daily.bad, daily.valid, out=np.zeros_like(daily.bad), where=daily.valid > 0.0)
        ratios = {name: _last(row, len(bad)) for name, row in zip(names, known, strict=True)}
    guesses = np.zeros((len(parts), len(bad)))
    for row, part in enumerate(parts):
        for source in (inherited.sources[place] for place in part.sources):
            if source.service_id in ratios:
                guesses[row] += valid * source.phi * source.part * ratios[source.service_id]
    return failures_by_source(bad, guesses, np.array([part.share for part in parts]))


def _traced(
    parts: Sequence[Part],
    inherited: InheritedFailure,
    caused: Callable[[Sequence[str]], SliPanel | None],
    panel: SliPanel,
    lookback_days: int,
    days: int,
) -> FloatArray | None:
    """Failed events by day that each part was seen to cause, shape (n_parts, n_days)."""
    by_part = [sorted({inherited.sources[row].service_id for row in part.sources}) for part in parts]
    names = sorted({name for part in by_part for name in part})
    found = caused(names)
    if found is None:
        return None
    daily = daily_sums(found, as_of=panel.ends_at, lookback_days=lookback_days)
    rows = {name: _last(row, days) for name, row in zip(names, daily.bad, strict=True)}
    return np.array([np.sum([rows[name] for name in part], axis=0) for part in by_part]).reshape(len(parts), days)


def _last(values: FloatArray, days: int) -> FloatArray:
    """The newest ``days`` values, zeros before the first."""
    return np.concatenate([np.zeros(max(0, days - len(values))), values[-days:] if days else values[:0]])
