"""Read what is left of error budgets. Every role may."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from sloengine.application.ports.clock import Clock
from sloengine.application.ports.sli_history import SliHistory
from sloengine.application.telemetry.pulled_hours import DAY, HOUR, floor_to
from sloengine.domain.governance.model import Slo, SloTarget
from sloengine.domain.recommendation.latency_tiers import SHARES
from sloengine.domain.recommendation.model import SliType
from sloengine.domain.recommendation.telemetry_checks import inspect
from sloengine.domain.reliability.budget_state import BURN_WINDOWS, BudgetState, budget_state, window_start
from sloengine.domain.reliability.panel import LatencyHistory

_LONGEST_BURN = max(BURN_WINDOWS.values())


@dataclass(frozen=True, slots=True)
class ReadBudget:
    """Counted from stored events as of the newest aggregated hour; latency is kept, and so counted, per day."""

    history: SliHistory
    clock: Clock

    async def __call__(self, slos: Sequence[Slo]) -> Mapping[Slo, BudgetState]:
        """Budgets of these SLOs, two queries for any number of them; absent where nothing can be counted.

        Requests slower than a latency target can be counted only where the target is a bucket bound of the
        histogram; of several targets the one that has consumed most speaks.
        """
        as_of = (await self.history.watermark()).aggregated_to or floor_to(self.clock.now(), HOUR)
        found = dict(await self._availability([s for s in slos if s.sli_type is SliType.AVAILABILITY], as_of))
        latency = [slo for slo in slos if slo.sli_type is SliType.LATENCY]
        found.update(await self._latency(latency, floor_to(as_of, DAY)))
        return found

    async def _availability(self, slos: Sequence[Slo], as_of: datetime) -> Mapping[Slo, BudgetState]:
        if not slos:
            return {}
        stored = await self.history.read(sorted({slo.service_id for slo in slos}), _start(slos, as_of), as_of)
        # More good than valid events in one hour would make up for what failed in others.
        panel = inspect(stored).cleaned
        found: dict[Slo, BudgetState] = {}
        for slo in slos:
            row, ratio = panel.rows.get(slo.service_id), slo.targets[0].availability_ratio
            if row is None or ratio is None:
                continue
            # Daily data end with a day that is not over yet.
            state = budget_state(
                panel.good[row], panel.total[row], panel.step, target=ratio, window=slo.window, as_of=panel.ends_at
            )
            if state is not None:
                found[slo] = replace(state, as_of=min(as_of, panel.ends_at))
        return found

    async def _latency(self, slos: Sequence[Slo], as_of: datetime) -> Mapping[Slo, BudgetState]:
        if not slos:
            return {}
        start = floor_to(_start(slos, as_of), DAY)
        histories = await self.history.read_latency(sorted({slo.service_id for slo in slos}), start, as_of)
        found: dict[Slo, BudgetState] = {}
        for slo in slos:
            history = histories.get(slo.service_id)
            states = [] if history is None else [_latency_state(slo, one, history, as_of) for one in slo.targets]
            known = [state for state in states if state is not None]
            if known and len(known) == len(states):
                found[slo] = max(known, key=lambda state: state.consumed_ratio)
        return found


def _start(slos: Sequence[Slo], as_of: datetime) -> datetime:
    return min(as_of - _LONGEST_BURN, *(window_start(slo.window, as_of) for slo in slos))


def _latency_state(slo: Slo, target: SloTarget, history: LatencyHistory, as_of: datetime) -> BudgetState | None:
    bound = next(
        (
            place
            for place, seconds in enumerate(history.bounds_seconds)
            if target.threshold_ms is not None and math.isclose(seconds * 1000, target.threshold_ms, rel_tol=1e-9)
        ),
        None,
    )
    if bound is None:
        return None
    missing = max(0, round((as_of - history.start_at) / DAY) - len(history.counts))
    counts = np.vstack([history.counts, np.full((missing, len(history.bounds_seconds)), np.nan)])
    return budget_state(
        counts[:, : bound + 1].sum(axis=1),
        counts.sum(axis=1),
        DAY,
        target=SHARES[target.kind],
        window=slo.window,
        as_of=as_of,
    )
