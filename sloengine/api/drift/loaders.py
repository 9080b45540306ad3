"""One call for all drift events that a request leads to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from strawberry.dataloader import DataLoader

from sloengine.api.batching import one_call, one_call_per_option
from sloengine.application.drift.read_drift import ReadDrift
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.drift.alarm import DriftEvent
from sloengine.domain.drift.together import Onset, SharedCause
from sloengine.domain.recommendation.model import ObjectiveKind


class DriftLoaders:
    """Loaders of one request. Load functions do not hold the loaders, so that both go when the request does."""

    def __init__(self, drift: ReadDrift) -> None:
        self._drift = drift

    @cached_property
    def page_by_service(self) -> DataLoader[tuple[str, PageRequest], Page[DriftEvent] | None]:
        """A page of a service's drift events."""
        drift = self._drift

        async def read(service_ids: list[str], request: PageRequest) -> dict[str, Page[DriftEvent]]:
            return dict(await drift.pages(service_ids, request))

        return one_call_per_option(read)

    @cached_property
    def unjudged_by_service(self) -> DataLoader[str, Mapping[ObjectiveKind, str] | None]:
        """What of a service is not judged, and why."""
        return one_call(self._drift.unjudged)

    @cached_property
    def cause_by_onset(self) -> DataLoader[Onset, SharedCause | None]:
        """What an event has in common with those of other services."""
        return one_call(self._drift.shared_causes)

    @cached_property
    def event_by_id(self) -> DataLoader[str, DriftEvent | None]:
        """Drift events."""
        return one_call(self._drift.by_id)
