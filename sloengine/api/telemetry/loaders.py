"""One call for all SLIs that a request leads to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from strawberry.dataloader import DataLoader

from sloengine.api.batching import one_call, one_call_per_option
from sloengine.application.telemetry.read_budget import ReadBudget
from sloengine.application.telemetry.read_sli import ReadSli, SliPoint, SliStep, SliValue, SliWindow
from sloengine.domain.governance.model import Slo
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.reliability.budget_state import BudgetState

type SeriesOption = tuple[SliType, datetime, datetime, SliStep]


class TelemetryLoaders:
    """Loaders of one request. Load functions do not hold the loaders, so that both go when the request does."""

    def __init__(self, slis: ReadSli, budgets: ReadBudget) -> None:
        self._slis = slis
        self._budgets = budgets

    @cached_property
    def budget_by_slo(self) -> DataLoader[Slo, BudgetState | None]:
        """What is left of an SLO's error budget."""
        return one_call(self._budgets)

    @cached_property
    def sli_by_service(self) -> DataLoader[tuple[str, tuple[SliType, SliWindow]], SliValue | None]:
        """An SLI over a window."""
        slis = self._slis

        async def read(service_ids: list[str], option: tuple[SliType, SliWindow]) -> dict[str, SliValue]:
            return dict(await slis.sli(service_ids, *option))

        return one_call_per_option(read)

    @cached_property
    def series_by_service(self) -> DataLoader[tuple[str, SeriesOption], Sequence[SliPoint] | None]:
        """An SLI interval by interval."""
        slis = self._slis

        async def read(service_ids: list[str], option: SeriesOption) -> dict[str, Sequence[SliPoint]]:
            return dict(await slis.series_of(service_ids, *option))

        return one_call_per_option(read)
