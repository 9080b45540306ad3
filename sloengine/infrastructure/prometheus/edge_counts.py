"""How often each edge was called in a range, from counters that restart, vanish and come back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sloengine.domain.errors import Unavailable
from sloengine.infrastructure.prometheus.client import PrometheusClient, QueryRefused
from sloengine.infrastructure.prometheus.promql_names import name, names, selector
from sloengine.infrastructure.prometheus.together import together

_ENDINGS = ("[0-4]", "[5-9]", "[a-h]", "[i-p]", "[q-z]", "[^0-9a-z]")
"""Names often begin alike and end differently (``svc-0421``): shards go by the last characters."""
_MAX_DEPTH = 2
_BEFORE = "15m"
"""A series without a sample in these minutes before the range is taken as born in it: so long a connector keeps
series that are idle."""

type Labels = tuple[str, ...]


@dataclass
class EdgeCounts:
    """Sums of counters over [since, until) by label values.

    ``queries``: what was asked so far; ``doubts``: what the server said of its answers.
    """

    client: PrometheusClient
    since: datetime
    until: datetime
    queries: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def range_(self) -> str:
        """The range as PromQL has it."""
        return f"{max(1, int((self.until - self.since).total_seconds()))}s"

    async def names_like(self, pattern: str) -> Sequence[str]:
        """Metrics with samples in the range whose whole name matches; those with the most series first."""
        query = f'count by (__name__) (last_over_time({{__name__=~"{pattern}"}}[{self.range_}]))'
        answer = await self._ask(query)
        by_series = {str(series["metric"]["__name__"]): float(series["value"][1]) for series in answer}
        return sorted(by_series, key=lambda name: (-by_series[name], name))

    async def count(
        self, metric: str, alternatives: Sequence[str], by: Sequence[str], shard_label: str
    ) -> dict[Labels, float]:
        """Counts above zero by the values of ``by``; a label that a series lacks is ``""``.

        ``alternatives``: matchers that do not overlap; their series are added up. ``increase`` knows nothing of a
        counter's first sample, so that of a series that was born with its one call nothing would be left: first
        samples of series that were not there before the range are added. Where nothing at all was there before it,
        collection began within the range, and first samples say nothing.
        Raises: ``Unavailable``.
        """
        grown = await self._sharded(lambda shard: self._grown(metric, alternatives, by, shard), shard_label)
        was_there = f"count(last_over_time({selector(metric, ())}[{_BEFORE}] offset {self.range_}))"
        born: list[Any] = []
        if await self._ask(was_there):
            born = await self._sharded(lambda shard: self._born(metric, alternatives, by, shard), shard_label)
        counts: dict[Labels, float] = {}
        for series in [*grown, *born]:
            value = float(series["value"][1])
            if math.isfinite(value):
                key = tuple(str(series["metric"].get(label, "")) for label in by)
                counts[key] = counts.get(key, 0.0) + value
        return {key: value for key, value in counts.items() if value > 0}

    def _grown(self, metric: str, alternatives: Sequence[str], by: Sequence[str], shard: str) -> str:
        parts = [f"increase({selector(metric, (one, shard))}[{self.range_}])" for one in alternatives]
        return f"sum by ({names(by)}) ({' or '.join(parts)})"

    def _born(self, metric: str, alternatives: Sequence[str], by: Sequence[str], shard: str) -> str:
        parts = [
            f"(min_over_time({series}[{self.range_}]) "
            f"unless last_over_time({series}[{_BEFORE}] offset {self.range_}))"
            for series in (selector(metric, (one, shard)) for one in alternatives)
        ]
        return f"sum by ({names(by)}) ({' or '.join(parts)})"

    async def _sharded(
        self, query: Callable[[str], str], label: str, value: str | None = None, depth: int = 0
    ) -> list[Any]:
        """The whole in one query; in shards by the end of a label's value where the server finds that too much."""
        try:
            return await self._asked(query("" if value is None else f'{name(label)}=~"{value}"'))
        except QueryRefused as error:
            if not error.too_large or depth >= _MAX_DEPTH:
                raise Unavailable(f"Prometheus refused a query: {error}") from error
        parts = await together(self._sharded(query, label, one, depth + 1) for one in _shards(value))
        return [series for part in parts for series in part]

    async def _ask(self, query: str) -> list[Any]:
        try:
            return await self._asked(query)
        except QueryRefused as error:
            raise Unavailable(f"Prometheus refused a query: {error}") from error

    async def _asked(self, query: str) -> list[Any]:
        self.queries.append(query)
        return await self.client.query(query, at=self.until.timestamp(), warnings=self.doubts)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The server's doubts, each once, with what follows from them."""
        told = list(dict.fromkeys(self.doubts))
        if not told:
            return ()
        more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        return (f"Prometheus warns of its answers, so calls may be missing or weights wrong: {told[0]}{more}",)


def _shards(value: str | None) -> list[str]:
    """Patterns that part the values matching ``value`` (None: all but the empty one) by the last character."""
    end = "" if value is None else value.removeprefix(".*")
    return [*(f".*{one}{end}" for one in _ENDINGS), *([end] if end else [])]
