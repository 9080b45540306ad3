"""Would an objective have held in the past? Any objective, recommended or not. Every role may ask."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.service_graph import ServiceGraph
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.telemetry.pulled_hours import DAY, HOUR, floor_to
from sloengine.domain.errors import ServiceNotFound
from sloengine.domain.governance.decisions import checked_target
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.recommendation.backtest import backtest_availability, backtest_latency
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.recommendation.replayed import Backtest
from sloengine.domain.recommendation.telemetry_checks import inspect
from sloengine.domain.reliability.panel import LatencyHistory, SliPanel
from sloengine.domain.reliability.window import ComplianceWindow

SHARES = {ObjectiveKind.LATENCY_P95: 0.95, ObjectiveKind.LATENCY_P99: 0.99}


@dataclass(frozen=True, slots=True)
class BacktestCommand:
    """Objectives of one service to replay. ``path``: where a bad target is to be blamed on."""

    service_id: str
    targets: Sequence[SloTarget]
    window: ComplianceWindow = ComplianceWindow.ROLLING_28D
    path: tuple[str, ...] = ("objective",)


@dataclass(frozen=True, slots=True)
class BacktestObjective:
    """Replays what is stored of the service, up to 90 days before the newest aggregated hour."""

    graph: ServiceGraph
    history: SliHistory
    clock: Clock
    lookback_days: int

    async def __call__(self, command: BacktestCommand) -> list[Backtest | None]:
        """One answer per target, in their order; None: not a single request on record.

        Raises ``ServiceNotFound``, ``Invalid``.
        """
        for target in command.targets:
            checked_target(target, command.path)
        if command.service_id not in await self.graph.services([command.service_id]):
            raise ServiceNotFound(f"no service {command.service_id!r}", path=("serviceId",))
        as_of = (await self.history.watermark()).aggregated_to or floor_to(self.clock.now(), HOUR)
        start = floor_to(as_of - timedelta(days=self.lookback_days), DAY)
        kinds = {target.kind for target in command.targets}
        panel: SliPanel | None = None
        latency: Mapping[str, LatencyHistory] = {}
        if ObjectiveKind.AVAILABILITY in kinds:
            panel = await self.history.read([command.service_id], start, as_of)
        if kinds - {ObjectiveKind.AVAILABILITY}:
            latency = await self.history.read_latency([command.service_id], start, floor_to(as_of, DAY))
        return await asyncio.to_thread(
            replayed, command, panel, latency, as_of=as_of, lookback_days=self.lookback_days
        )


def replayed(
    command: BacktestCommand,
    panel: SliPanel | None,
    latency: Mapping[str, LatencyHistory],
    *,
    as_of: datetime,
    lookback_days: int,
) -> list[Backtest | None]:
    """The same on values: what the server and plain files have in common. Raises ``Invalid``."""
    found = None if panel is None else inspect(panel)
    answers: list[Backtest | None] = []
    for target in command.targets:
        checked_target(target, command.path)
        answer: Backtest | None = None
        if target.availability_ratio is not None:
            if found is not None:
                answer = backtest_availability(
                    found.cleaned,
                    command.service_id,
                    target.availability_ratio,
                    command.window,
                    as_of=floor_to(as_of, HOUR),
                    lookback_days=lookback_days,
                )
                refused = found.refused.get(command.service_id)
                if answer is not None and refused is not None:
                    said = f"this telemetry cannot be true, so the replay says nothing: {refused}"
                    answer = replace(answer, notes=(said, *answer.notes))
        elif target.threshold_ms is not None and command.service_id in latency:
            answer = backtest_latency(
                latency[command.service_id],
                target.threshold_ms,
                SHARES[target.kind],
                command.window,
                as_of=as_of,
                lookback_days=lookback_days,
            )
        answers.append(answer)
    return answers
