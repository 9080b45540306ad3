"""``TelemetrySource`` over PromQL: whole hours of many services with a few queries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sloengine.application.ports.telemetry_source import Pulled
from sloengine.domain.errors import Unavailable
from sloengine.domain.topology.name_decisions import NOTHING_REMEMBERED, RememberedNames, resolve_all
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES, NameRules
from sloengine.infrastructure.prometheus import promql, throttling
from sloengine.infrastructure.prometheus.any_names import name_support
from sloengine.infrastructure.prometheus.client import (
    LOST_VALUES,
    NO_STORE,
    PrometheusClient,
    QueryRefused,
)
from sloengine.infrastructure.prometheus.collected import HOUR, Collected, Grid
from sloengine.infrastructure.prometheus.discovery import Convention, Conventions, HistogramKind, discover
from sloengine.infrastructure.prometheus.identities import reconcile
from sloengine.infrastructure.prometheus.promql_names import is_plain, name, selector
from sloengine.infrastructure.prometheus.together import together

_MAX_POINTS = 10_000
"""Prometheus refuses more than 11,000 points a series."""
_LONGEST_QUERY = 15_000
"""Characters. VictoriaMetrics refuses more than 16 KiB (``-search.maxQueryLen``); a query that names its services
ten times is cut into several."""
_SETTLED = timedelta(days=1)
"""Hours that old for which no store has anything are before what is kept; newer ones are asked for again."""


@dataclass
class PrometheusTelemetrySource:
    """Pulls hourly sums from one Prometheus-compatible server.

    ``shard_size``: services a query. ``now``: the clock, to ask which conventions are in use.
    ``rediscover_after``: how long an answer to that is trusted. ``throttling_label``: the label of cAdvisor's
    metrics that carries the service's identity. ``rules``: how label values become service ids; None: as
    shipped. ``remembered``: what discovery has decided on names; None: nothing.
    """

    client: PrometheusClient
    now: Callable[[], datetime]
    shard_size: int = 400
    rediscover_after: timedelta = timedelta(minutes=30)
    throttling_label: str = throttling.LABEL
    rules: Callable[[], Awaitable[NameRules | None]] | None = None
    remembered: Callable[[], Awaitable[RememberedNames]] | None = None
    _known: tuple[datetime, Conventions] | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """The server, without credentials."""
        return f"prometheus {self.client.base_url}"

    async def conventions(self) -> Conventions:
        """Presets that this server has, asked again after a while."""
        now = self.now()
        if self._known is None or now - self._known[0] > self.rediscover_after:
            try:
                found = await discover(self.client, at=now.timestamp())
            except QueryRefused as error:
                raise Unavailable(f"Prometheus refused to say what it has: {error}") from error
            if not found.requests:
                # An empty answer is not remembered: metrics may appear any minute.
                return found
            self._known = (now, found)
        return self._known[1]

    async def service_ids(
        self, from_at: datetime, to_at: datetime, *, known: Collection[str] = ()
    ) -> Sequence[str]:
        """What the label values with requests in the range stand for, by the name rules."""
        rules, remembered = await self._rules(), await self._remembered()
        seen: set[str] = set()
        for convention in (await self.conventions()).requests:
            values = await self._values(convention, from_at, to_at)
            resolved = resolve_all(convention.preset.source, values, rules, known, remembered).by_name
            seen.update(one.service_id for one in resolved.values() if one.service_id is not None)
        return sorted(seen)

    async def _rules(self) -> NameRules:
        saved = None if self.rules is None else await self.rules()
        return saved or DEFAULT_NAME_RULES

    async def _remembered(self) -> RememberedNames:
        return NOTHING_REMEMBERED if self.remembered is None else await self.remembered()

    async def _values(self, convention: Convention, from_at: datetime, to_at: datetime) -> Sequence[str]:
        seconds = max(1, int((to_at - from_at).total_seconds()))
        label, preset = convention.service_label, convention.preset
        series = selector(convention.metric, (preset.matchers, f'{name(label)}!=""'))
        query = f"count by ({name(label)}) (last_over_time({series}[{seconds}s]))"
        return [str(series["metric"][label]) for series in await self._instant(query, to_at)]

    async def cpu_throttling(self, service_ids: Sequence[str], at: datetime) -> Mapping[str, float]:
        """From cAdvisor's CFS counters; one query for ``shard_size`` services."""
        wanted = tuple(dict.fromkeys(service_ids))
        shards = [wanted[first : first + self.shard_size] for first in range(0, len(wanted), self.shard_size)]
        found = await together(self._throttled(shard, at) for shard in shards)
        return {service_id: share for part in found for service_id, share in part.items()}

    async def _throttled(self, shard: Sequence[str], at: datetime) -> Mapping[str, float]:
        query = throttling.query(self.throttling_label, shard)
        try:
            if not is_plain(self.throttling_label):
                (await name_support(self.client)).require(self.throttling_label, "SLOENGINE_THROTTLING_LABEL")
            answer = await self.client.query(query, at=at.timestamp())
        except QueryRefused as error:
            if not error.too_large or len(shard) <= 1:
                raise Unavailable(f"Prometheus refused a query: {error}") from error
            middle = len(shard) // 2
            halves = [await self._throttled(half, at) for half in (shard[:middle], shard[middle:])]
            return {**halves[0], **halves[1]}
        return throttling.shares(answer, self.throttling_label, shard)

    async def earliest(self) -> datetime | None:
        """Not known: retention is not part of the query API."""
        return None

    async def pull(
        self,
        service_ids: Sequence[str],
        from_at: datetime,
        to_at: datetime,
        *,
        latency_of: Collection[str] | None = None,
    ) -> Pulled:
        """Whole hours in [from_at, to_at). The first convention that has a service answers for it."""
        start = _ceil_hour(from_at)
        hours = max(0, int((to_at - start) // HOUR))
        grid = Grid(start, hours)
        wanted = tuple(dict.fromkeys(service_ids))
        collected = Collected(wanted, grid, await self._rules(), await self._remembered())
        before = self.client.query_count
        if wanted and hours:
            conventions = await self.conventions()
            await together(
                [
                    self._pull_services(collected, conventions, latency_of),
                    self._pull_edges(collected, conventions),
                ]
            )
        return collected.finish(self.client.query_count - before)

    async def _pull_services(
        self,
        collected: Collected,
        conventions: Conventions,
        latency_of: Collection[str] | None,
    ) -> None:
        """The first convention that has a service answers for it, so they are asked one after the other."""
        start, hours = collected.grid.start_at, collected.grid.hours
        for convention in conventions.requests:
            missing = [service_id for service_id in collected.wanted if service_id not in collected.answered]
            shards = [missing[at : at + self.shard_size] for at in range(0, len(missing), self.shard_size)]
            names = await self._names(convention, collected, missing, start, start + hours * HOUR)
            first = await self._first_of_many(collected, convention) if len(shards) > 1 else None
            await together(
                self._pull_shard(collected, convention, shard, latency_of, names, first) for shard in shards
            )

    async def _first_of_many(self, collected: Collected, convention: Convention) -> list[Any] | None:
        """First failures of everybody, because such a query names each service ten times; None: ask by shard."""
        if convention.counted_natively:
            return None
        label = convention.service_label
        query = promql.first_failures(convention.preset, label, f'{name(label)}!=""')
        try:
            answer = await self._range(query, collected, {}, is_one=False)
        except QueryRefused:
            return None  # some service has samples of two kinds: the others must not go without for it
        collected.queries.append(query)
        return answer

    async def _names(
        self,
        convention: Convention,
        collected: Collected,
        wanted: Sequence[str],
        from_at: datetime,
        to_at: datetime,
    ) -> Mapping[str, Sequence[str]] | None:
        """Label values by service id; None: under the shipped rules a matcher knows them without asking."""
        if collected.has_shipped_names or not wanted:
            return None
        values = await self._values(convention, from_at, to_at)
        source = convention.preset.source
        identities = reconcile(values, wanted, collected.rules, source, collected.remembered)
        names: dict[str, list[str]] = {service_id: list(both) for service_id, both in identities.ambiguous.items()}
        for value, service_id in identities.by_value.items():
            names.setdefault(service_id, []).append(value)
        return names

    async def _pull_shard(
        self,
        collected: Collected,
        convention: Convention,
        shard: Sequence[str],
        latency_of: Collection[str] | None,
        names: Mapping[str, Sequence[str]] | None,
        of_all: list[Any] | None,
    ) -> None:
        label, preset = convention.service_label, convention.preset
        if names is not None and not any(service_id in names for service_id in shard):
            return
        matcher = _matcher(label, shard, names)
        counted = convention.counted_natively
        asked = [
            ("requests", promql.requests(preset, label, matcher, native=counted)),
            ("failures", promql.failures(preset, label, matcher, native=counted)),
        ]
        if not counted and of_all is None:
            first = _short_enough(
                lambda part: promql.first_failures(preset, label, _matcher(label, part, names)), shard
            )
            asked.extend(("first_failures", query) for query in first)
        slow = [service_id for service_id in shard if latency_of is None or service_id in latency_of]
        if convention.has_histogram and slow:
            native = convention.histogram is HistogramKind.NATIVE
            asked.append(("buckets", promql.buckets(preset, label, _matcher(label, slow, names), native=native)))
        lost: dict[int, str] = {}
        # A histogram that cannot be added up takes nothing from the counts of requests.
        lost_latency: dict[int, str] = {}
        is_one = len(shard) <= 1
        try:
            parts = await together(
                self._range(query, collected, lost_latency if kind == "buckets" else lost, is_one=is_one)
                for kind, query in asked
            )
        except QueryRefused:
            # Some service among them has samples of two kinds: the others must not go without for it.
            middle = len(shard) // 2
            for half in (shard[:middle], shard[middle:]):
                await self._pull_shard(collected, convention, half, latency_of, names, of_all)
            return
        collected.queries.extend(query for _, query in asked)
        collected.note_lost(shard, lost_latency)
        answers: dict[str, list[Any]] = {} if of_all is None else {"first_failures": [*of_all]}
        for (kind, _), part in zip(asked, parts, strict=True):
            answers.setdefault(kind, []).extend(part)
        collected.take(convention, shard, answers, lost)

    async def _pull_edges(self, collected: Collected, conventions: Conventions) -> None:
        preset = conventions.edges
        if preset is None:
            return
        labels = (preset.caller_label, preset.dependency_label)
        parts = [f'{label}!~"user|unknown|"' for label in labels]
        anyone = ",".join(parts)
        if len(collected.wanted) <= self.shard_size and collected.has_shipped_names:
            parts += [promql.service_matcher(label, collected.wanted) for label in labels]
        matcher = ",".join(parts)
        queries = [promql.edge_calls(preset, matcher, failed=failed) for failed in (False, True)]
        first_calls = promql.first_failed_calls(preset, matcher)
        if len(first_calls) > _LONGEST_QUERY:
            first_calls = promql.first_failed_calls(preset, anyone)
        queries.append(first_calls)
        lost: dict[int, str] = {}
        calls, failed, first = await together(
            self._range(query, collected, lost, is_one=True) for query in queries
        )
        collected.queries.extend(queries)
        collected.take_edges(labels, calls, failed, first, lost)

    async def _range(self, query: str, collected: Collected, lost: dict[int, str], *, is_one: bool) -> list[Any]:
        """One range query, cut into pieces where the server limits points or samples.

        Hours that cannot be counted go into ``lost`` with the reason.
        Raises: ``QueryRefused``, unless ``is_one``, where values of some of the services are missing.
        """
        pieces: list[Any] = []
        hours = collected.grid.hours
        for first in range(0, hours, _MAX_POINTS):
            last = min(first + _MAX_POINTS, hours)
            pieces.extend(await self._piece(query, collected, first, last, lost, is_one=is_one))
        return pieces

    async def _piece(
        self, query: str, collected: Collected, first: int, last: int, lost: dict[int, str], *, is_one: bool
    ) -> list[Any]:
        grid = collected.grid
        # Hour i is evaluated at its end: increase(x[1h]) looks back.
        start = grid.first_end + first * HOUR.total_seconds()
        end = grid.first_end + (last - 1) * HOUR.total_seconds()
        try:
            return await self.client.query_range(query, start=start, end=end, step_seconds=HOUR.total_seconds())
        except QueryRefused as error:
            if self._is_before_all(error, end):
                lost.update(dict.fromkeys(range(first, last), ""))
                return []
            if error.kind == LOST_VALUES:
                if not collected.may_split() or (is_one and last - first <= 1):
                    lost.update(dict.fromkeys(range(first, last), error.message))
                    return []
                if not is_one:
                    raise
            elif not error.too_large or last - first <= 1:
                raise Unavailable(f"Prometheus refused a query: {error}") from error
            middle = (first + last) // 2
            halves = [
                await self._piece(query, collected, a, b, lost, is_one=is_one)
                for a, b in ((first, middle), (middle, last))
            ]
            return halves[0] + halves[1]

    async def _instant(self, query: str, at: datetime) -> list[Any]:
        try:
            return await self.client.query(query, at=at.timestamp())
        except QueryRefused as error:
            if self._is_before_all(error, at.timestamp()):
                return []
            raise Unavailable(f"Prometheus refused a query: {error}") from error

    def _is_before_all(self, error: QueryRefused, end: float) -> bool:
        return error.kind == NO_STORE and self.now().timestamp() - end > _SETTLED.total_seconds()


def _short_enough(query: Callable[[Sequence[str]], str], service_ids: Sequence[str]) -> list[str]:
    """The query for these services, cut into several where it is too long for a server."""
    whole = query(service_ids)
    count = -(-len(whole) // _LONGEST_QUERY)
    if count == 1 or len(service_ids) <= 1:
        return [whole]
    size = -(-len(service_ids) // count)
    parts = [service_ids[at : at + size] for at in range(0, len(service_ids), size)]
    return [one for part in parts for one in _short_enough(query, part)]


def _matcher(label: str, shard: Sequence[str], names: Mapping[str, Sequence[str]] | None) -> str:
    """Matches these services, by id or by the names that stand for them."""
    if names is None:
        return promql.service_matcher(label, shard)
    return promql.value_matcher(label, [name for service_id in shard for name in names.get(service_id, ())])


def _ceil_hour(at: datetime) -> datetime:
    floor = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return floor if floor == at else floor + HOUR
