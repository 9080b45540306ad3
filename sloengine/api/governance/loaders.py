"""One call for all SLOs and audit entries that a request leads to."""

from __future__ import annotations

from functools import cached_property

from strawberry.dataloader import DataLoader

from sloengine.api.batching import one_call, one_call_per_option
from sloengine.application.governance.read_ledger import ReadLedger
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.governance.model import AuditEvent, Slo
from sloengine.domain.recommendation.model import SliType


class GovernanceLoaders:
    """Loaders of one request. Load functions do not hold the loaders, so that both go when the request does."""

    def __init__(self, ledger: ReadLedger) -> None:
        self._ledger = ledger

    @cached_property
    def active_slo_by_service(self) -> DataLoader[tuple[str, SliType], Slo | None]:
        """The active SLO of a service and SLI type."""
        ledger = self._ledger

        async def read(service_ids: list[str], sli_type: SliType) -> dict[str, Slo]:
            return dict(await ledger.active(service_ids, sli_type))

        return one_call_per_option(read)

    @cached_property
    def audit_page_by_service(self) -> DataLoader[tuple[str, PageRequest], Page[AuditEvent] | None]:
        """A page of the audit entries about a service."""
        ledger = self._ledger

        async def read(service_ids: list[str], request: PageRequest) -> dict[str, Page[AuditEvent]]:
            return dict(await ledger.audit_pages(service_ids, request))

        return one_call_per_option(read)

    @cached_property
    def slo_by_id(self) -> DataLoader[str, Slo | None]:
        """SLOs, active or not."""
        return one_call(self._ledger.slos_by_id)

    @cached_property
    def audit_event_by_id(self) -> DataLoader[str, AuditEvent | None]:
        """Entries of the audit trail."""
        return one_call(self._ledger.audit_by_id)
