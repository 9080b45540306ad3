"""What impact is worked out on, kept in this process until graph, telemetry or SLOs move on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sloengine.application.impact.impact_inputs import Looked, Seen, basis_of, believed, network_of
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.service_graph import PassThroughStanding
from sloengine.application.ports.sli_history import SliHistory, Watermark
from sloengine.application.ports.slo_ledger import DecidedSince, SloLedger
from sloengine.application.telemetry.measured_latency import LOOKBACK, measured_latency
from sloengine.application.telemetry.pulled_hours import DAY, HOUR, floor_to
from sloengine.application.topology.graph_snapshots import GraphSnapshots
from sloengine.application.topology.learnt_findings import LearntFindings
from sloengine.domain.errors import Unavailable
from sloengine.domain.governance.model import Slo, SloTarget
from sloengine.domain.impact.analyse import ImpactBasis
from sloengine.domain.impact.latency import LatencyLevels
from sloengine.domain.recommendation.model import ObjectiveKind, SliType
from sloengine.domain.reliability.panel import LatencyHistory
from sloengine.domain.topology.graph import DependencyGraph
from sloengine.domain.topology.measured_draws import on_same_days

LARGE = 2_000
"""Components."""
MOST_DECIDED = 50
"""Decisions that are caught up with one by one; after more, all SLOs are read again."""


@dataclass(slots=True)
class ImpactBases:
    """The basis of the state in force. Read-only once made; safe to share between threads.

    The graph's version and the newest decision are looked up at each use; telemetry that is up to ``PATIENCE`` old
    is used while newer is read beside it, because 28 days hardly move in an hour.
    """

    snapshots: GraphSnapshots
    history: SliHistory
    ledger: SloLedger
    findings: LearntFindings
    clock: Clock
    patience: timedelta = 2 * HOUR
    moment: timedelta = timedelta(seconds=2)
    _seen: Seen | None = field(default=None, init=False)
    _network: tuple[object, Looked] | None = field(default=None, init=False)
    _basis: tuple[object, ImpactBasis, int] | None = field(default=None, init=False)
    _latest: tuple[int, ImpactBasis] | None = field(default=None, init=False)
    """The basis with the objectives as of this entry of the audit trail; newer than what is inherited by it."""
    _levels: tuple[object, Mapping[tuple[str, ObjectiveKind], float]] | None = field(default=None, init=False)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _measuring: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _refreshing: asyncio.Task[None] | None = field(default=None, init=False)
    _updating: asyncio.Task[None] | None = field(default=None, init=False)

    @property
    def is_large(self) -> bool:
        """Whether a decision should not wait until all of the graph has been looked at; False: not known yet."""
        return self._basis is not None and self._basis[1].network.size > LARGE

    async def current(self) -> ImpactBasis:
        """Of the graph and the SLOs as they are now."""
        graph, watermark, sequence, learnt = await asyncio.gather(
            self.snapshots.current(), self.history.watermark(), self.ledger.sequence(), self.findings.state()
        )
        to_at = watermark.aggregated_to or floor_to(self.clock.now(), HOUR)
        key = (graph.version, to_at, watermark.pulled_at, sequence, learnt)
        if self._basis is not None and self._basis[0] == key:
            return self._basis[1]
        async with self._making:
            if self._basis is None or self._basis[0] != key:
                await self._make(key, graph, watermark, to_at, sequence, learnt)
            assert self._basis is not None  # noqa: S101  made under the lock
            return self._basis[1]

    async def follow_graph(self) -> None:
        """Make it anew where the graph has changed, or nothing was made yet."""
        kept = self._basis
        if kept is None or kept[1].network.graph.version != await self.snapshots.graph.version():
            await self.current()

    async def for_decision(self) -> ImpactBasis:
        """Of the graph as it is and of everybody's present objectives; what is inherited may be some decisions
        old.

        A decision must not wait for all SLOs to be read again because the one before changed one of them. The
        basis is brought up to date beside it, at most every few seconds.
        """
        latest = self._latest
        known = 0 if latest is None else latest[0]
        version, since = await asyncio.gather(
            self.snapshots.graph.version(),
            self.ledger.decided_since(known, MOST_DECIDED, SliType.AVAILABILITY),
        )
        if latest is None or latest[1].network.graph.version != version or since.sequence - known > MOST_DECIDED:
            return await self.current()
        if since.sequence == known:
            return latest[1]
        self._bring_up_to_date()
        basis = replace(latest[1], slos=_slos_with(latest[1], since))
        if self._latest is latest:  # else somebody has caught up meanwhile, further than this
            self._latest = since.sequence, basis
        return basis

    def _bring_up_to_date(self) -> None:
        async def after_a_moment() -> None:
            await asyncio.sleep(self.moment.total_seconds())
            with suppress(Unavailable):
                await self.current()

        if self._updating is None or self._updating.done():
            self._updating = asyncio.create_task(after_a_moment())

    async def before(self, service_id: str, ratio: float | None) -> ImpactBasis:
        """The present state, but for one service's promise, which is taken back to what it was (None: none)."""
        basis = await self.current()
        assert self._network is not None  # noqa: S101  made with the basis
        _, looked = self._network
        slos = dict(basis.slos)
        slo = slos.pop(service_id, None)
        if ratio is not None and slo is not None:
            slos[service_id] = replace(slo, targets=(SloTarget(ObjectiveKind.AVAILABILITY, ratio),))
        return await asyncio.to_thread(basis_of, looked, slos)

    async def _make(
        self,
        key: object,
        graph: DependencyGraph,
        watermark: Watermark,
        to_at: datetime,
        sequence: int,
        learnt: PassThroughStanding,
    ) -> None:
        seen = await self._telemetry(graph, watermark, to_at, learnt.void_before)
        known = self._network
        network_key = (graph.version, seen.key, learnt.revision)
        slos = await self._objectives(graph, None if known is None or known[0] != network_key else known[1])
        if known is None or known[0] != network_key:
            findings = await self.findings.standing(graph, graph.edges_by_caller, to_at)
            self._network = known = (network_key, await asyncio.to_thread(network_of, graph, seen, findings))
        basis = await asyncio.to_thread(basis_of, known[1], slos)
        self._basis = (key, basis, sequence)
        self._latest = (sequence, basis)

    async def _objectives(self, graph: DependencyGraph, looked: Looked | None) -> Mapping[str, Slo]:
        """All active ones; where only they have changed, those that were decided on since are read.

        ``looked``: the network that the basis is to rest on, if it is there already. The latest basis may rest on
        the one before it, where nobody waited for the one that was begun.
        """
        latest = self._latest
        if latest is not None and looked is not None and latest[1].network is looked.network:
            since = await self.ledger.decided_since(latest[0], MOST_DECIDED, SliType.AVAILABILITY)
            if since.sequence - latest[0] <= MOST_DECIDED:
                return _slos_with(latest[1], since)
        ids = [service.service_id for service in graph.services]
        return await self.ledger.active(ids, SliType.AVAILABILITY) if ids else {}

    async def _telemetry(
        self, graph: DependencyGraph, watermark: Watermark, to_at: datetime, written_at: datetime | None
    ) -> Seen:
        """``written_at``: when files were last loaded; they move no watermark where they bring no newer hour."""
        key = (to_at, watermark.pulled_at, written_at)
        seen = self._seen
        if seen is not None and seen.key == key:
            return seen
        # Where hours have come since, these serve a while; the same hours loaded again are read at once.
        if seen is not None and to_at - self.patience <= seen.to_at < to_at:
            self._refresh(graph, key, to_at)
            return seen
        await self._read(graph, key, to_at)
        assert self._seen is not None  # noqa: S101  just read
        return self._seen

    def _refresh(self, graph: DependencyGraph, key: object, to_at: datetime) -> None:
        async def unless_away() -> None:
            with suppress(Unavailable):
                await self._read(graph, key, to_at)

        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(unless_away())

    async def _read(self, graph: DependencyGraph, key: object, to_at: datetime) -> None:
        panel = await self.history.read(None, to_at - LOOKBACK, to_at)
        total, failed = await asyncio.to_thread(believed, panel, graph)
        self._seen = Seen(key, to_at, total, failed)

    async def latency(self, basis: ImpactBasis) -> LatencyLevels:
        """Promised and measured latency of all services; measured ones are kept until newer hours come
        or series are loaded.

        They are read once, however many ask for them at first.
        """
        graph = basis.network.graph
        ids = [service.service_id for service in graph.services]
        watermark, active, learnt = await asyncio.gather(
            self.history.watermark(), self.ledger.active(ids, SliType.LATENCY), self.findings.state()
        )
        to_at = watermark.aggregated_to or floor_to(self.clock.now(), HOUR)
        last = _last_day(to_at)
        measured = await self._measured((graph.version, to_at, learnt.void_before), ids, last)
        promised = {
            (service_id, target.kind): target.threshold_ms
            for service_id, slo in active.items()
            for target in slo.targets
            if target.threshold_ms is not None
        }
        return LatencyLevels(promised, measured)

    async def histograms(self, service_ids: Sequence[str]) -> Mapping[str, LatencyHistory]:
        """Daily histograms of the look-back, all over the same days; services without any are absent."""
        if not service_ids:
            return {}
        watermark = await self.history.watermark()
        last = _last_day(watermark.aggregated_to or floor_to(self.clock.now(), HOUR))
        return on_same_days(await self.history.read_latency(service_ids, last - LOOKBACK, last))

    async def _measured(
        self, key: object, ids: list[str], last: datetime
    ) -> Mapping[tuple[str, ObjectiveKind], float]:
        async with self._measuring:
            if self._levels is None or self._levels[0] != key:
                found = await measured_latency(self.history, ids, last)
                self._levels = (
                    key,
                    {(one, kind): ms for one, known in found.items() for kind, ms in known.percentile_ms.items()},
                )
            return self._levels[1]


def _last_day(to_at: datetime) -> datetime:
    """End of the day that is known up to here."""
    return floor_to(to_at, DAY) + (DAY if to_at != floor_to(to_at, DAY) else timedelta(0))


def _slos_with(basis: ImpactBasis, since: DecidedSince) -> Mapping[str, Slo]:
    """All objectives, those of the services that were decided on as they are now.

    A service that came after the graph was read may have been decided on already: it is not in this basis.
    """
    decided, known = set(since.service_ids), basis.network.graph.index
    kept = {service_id: slo for service_id, slo in basis.slos.items() if service_id not in decided}
    return kept | {service_id: slo for service_id, slo in since.active.items() if service_id in known}
