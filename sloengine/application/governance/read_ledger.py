"""Read SLOs and the audit trail. Every role may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sloengine.application.ports.paging import Page, PageRequest
from sloengine.application.ports.slo_ledger import AuditFilter, SloLedger
from sloengine.domain.governance.model import AuditEvent, AuditIntegrity, Slo
from sloengine.domain.recommendation.model import SliType


@dataclass(frozen=True, slots=True)
class ReadLedger:
    """Each method is one query for any number of keys."""

    ledger: SloLedger

    async def active(self, service_ids: Sequence[str], sli_type: SliType) -> Mapping[str, Slo]:
        """Active SLOs; services without one are absent."""
        return await self.ledger.active(service_ids, sli_type)

    async def slos_by_id(self, slo_ids: Sequence[str]) -> Mapping[str, Slo]:
        """These SLOs."""
        return await self.ledger.slos_by_id(slo_ids)

    async def audit(self, wanted: AuditFilter, page: PageRequest) -> Page[AuditEvent]:
        """The audit trail, newest first."""
        return await self.ledger.audit(wanted, page)

    async def audit_pages(self, service_ids: Sequence[str], page: PageRequest) -> Mapping[str, Page[AuditEvent]]:
        """The same page of each of these services' entries, newest first."""
        return await self.ledger.audit_pages(service_ids, page)

    async def audit_by_id(self, audit_ids: Sequence[str]) -> Mapping[str, AuditEvent]:
        """These entries."""
        return await self.ledger.audit_by_id(audit_ids)

    async def verify(self) -> AuditIntegrity:
        """Recompute the whole hash chain."""
        return await self.ledger.verify()
