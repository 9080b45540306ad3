"""Tell teams whose objectives a decision has broken, where the decision could not wait to know."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from sloengine.application.impact.impact_bases import ImpactBases
from sloengine.application.impact.warn_callers import told_of
from sloengine.application.ports.clock import Clock
from sloengine.application.ports.outbox import Outbox, OutboxEvent
from sloengine.application.ports.slo_ledger import CallersAtRisk, SloLedger
from sloengine.domain.governance.model import AuditEvent, SloTarget
from sloengine.domain.impact.analyse import analyse_availability
from sloengine.domain.impact.latency import LatencyLevels, analyse_latency
from sloengine.domain.impact.model import ImpactRow, SloChange
from sloengine.domain.recommendation.model import ObjectiveKind


@dataclass(frozen=True, slots=True)
class TellCallers:
    """One event for each decision that breaks an objective. Safe to run twice; run again until it is done."""

    bases: ImpactBases
    ledger: SloLedger
    outbox: Outbox
    clock: Clock

    async def __call__(self, audit_id: str) -> int:
        """How many callers cannot keep their objective since this decision."""
        entry = (await self.ledger.audit_by_id([audit_id])).get(audit_id)
        if entry is None:
            return 0
        risk = await self._at_risk(entry)
        event = (
            None
            if risk is None
            else OutboxEvent(
                f"{risk.KIND}-{audit_id}",
                risk.KIND,
                entry.service_id,
                self.clock.now(),
                risk.payload(audit_id),
            )
        )
        await self.outbox.callers_told(audit_id, event)
        return 0 if risk is None else risk.count

    async def _at_risk(self, entry: AuditEvent) -> CallersAtRisk | None:
        if entry.new is None:
            return None
        changes = [SloChange(entry.service_id, target) for target in entry.new.targets]
        return told_of(entry.service_id, await self._rows(entry, changes)).event

    async def _rows(self, entry: AuditEvent, changes: list[SloChange]) -> tuple[ImpactRow, ...]:
        before = () if entry.previous is None else entry.previous.targets
        ratio = next((t.availability_ratio for t in before if t.availability_ratio is not None), None)
        is_availability = any(c.target.kind is ObjectiveKind.AVAILABILITY for c in changes)
        basis = await (self.bases.before(entry.service_id, ratio) if is_availability else self.bases.current())
        if entry.service_id not in basis.network.graph.index:
            return ()
        if is_availability:
            return await asyncio.to_thread(analyse_availability, basis, changes)
        levels = _before(await self.bases.latency(basis), entry.service_id, before)
        return (await asyncio.to_thread(analyse_latency, basis.network, levels, changes))[0]


def _before(levels: LatencyLevels, service_id: str, targets: tuple[SloTarget, ...]) -> LatencyLevels:
    """Promises as they were: those of the service taken back."""
    promised = {key: value for key, value in levels.promised.items() if key[0] != service_id}
    for target in targets:
        if target.threshold_ms is not None:
            promised[service_id, target.kind] = target.threshold_ms
    return replace(levels, promised=promised)
