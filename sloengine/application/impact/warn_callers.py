"""Tell a decision whose objectives it breaks, without making it wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sloengine.application.impact.impact_bases import ImpactBases
from sloengine.application.ports.slo_ledger import CallersAtRisk
from sloengine.domain.governance.model import SloTarget
from sloengine.domain.impact.analyse import ImpactBasis, analyse_availability
from sloengine.domain.impact.model import ImpactRow, SloChange, worst_first
from sloengine.domain.recommendation.model import ObjectiveKind
from sloengine.domain.reliability.figures import figure_text
from sloengine.domain.reliability.percent import percent_from_ratio

MOST_NAMED = 5
"""Callers that a warning names."""
MOST_TOLD = 50
"""Callers that an event names."""
STILL_OPEN = (
    "whether callers can still keep their objectives is being worked out; teams of those that cannot are told by"
    " an event"
)
_SMALLEST = 1e-9
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """``is_open``: not known in time; somebody has to look at it after the decision."""

    warnings: tuple[str, ...] = ()
    event: CallersAtRisk | None = None
    is_open: bool = False


@dataclass(slots=True)
class WarnCallers:
    """Availability objectives are looked at before the decision is written, for so many seconds at most, fewer on
    a large graph; it takes milliseconds once this process has looked at the graph. Latency is always looked at
    afterwards.
    """

    bases: ImpactBases
    seconds: float = 0.5
    seconds_if_large: float = 0.04

    async def of(self, service_id: str, targets: Sequence[SloTarget]) -> Told:
        """What to say of callers when the service promises these from now on. Never raises."""
        if not targets:
            return Told()
        availability = [target for target in targets if target.kind is ObjectiveKind.AVAILABILITY]
        if len(availability) < len(targets):
            return Told((STILL_OPEN,), is_open=True)
        work = asyncio.create_task(self._at_risk(service_id, availability[0]))
        patience = self.seconds_if_large if self.bases.is_large else self.seconds
        done, _ = await asyncio.wait([work], timeout=patience)
        if not done:
            work.add_done_callback(_forget)
            return Told((STILL_OPEN,), is_open=True)
        error = work.exception()
        if error is not None:
            _log.warning("impact of a decision on %s is not known: %r", service_id, error)
            return Told((STILL_OPEN,), is_open=True)
        return told_of(service_id, work.result())

    async def _at_risk(self, service_id: str, target: SloTarget) -> tuple[ImpactRow, ...]:
        basis = await self.bases.for_decision()
        if service_id not in basis.network.graph.index:
            return ()
        return await asyncio.to_thread(_compared, basis, service_id, target)


def _compared(basis: ImpactBasis, service_id: str, target: SloTarget) -> tuple[ImpactRow, ...]:
    """Rows against the objective in force, whatever of it the basis knows; none where nobody can be hurt."""
    if _is_no_looser(basis, service_id, target) or not _has_promising_callers(basis, service_id):
        return ()
    rows = analyse_availability(basis, [SloChange(service_id, target)])
    present = basis.slos.get(service_id)
    if present is None or not any(row.violates for row in rows):
        return rows
    kept = [SloChange(service_id, one) for one in present.targets]
    before = {row.service_id: row for row in analyse_availability(basis, kept)}
    hurt = (
        replace(
            row,
            before=old.after,
            was_violated=old.violates,
            margin_change=100.0 * (row.after - old.after),
        )
        for row in rows
        if row.after is not None
        and (old := before.get(row.service_id)) is not None
        and old.after is not None
        and row.after < old.after - _SMALLEST
    )
    return tuple(sorted(hurt, key=worst_first))  # who is broken by this comes first, whatever the basis knew


def _is_no_looser(basis: ImpactBasis, service_id: str, target: SloTarget) -> bool:
    present = basis.slos.get(service_id)
    ratios = [one.availability_ratio for one in present.targets] if present is not None else []
    return target.availability_ratio is not None and any(
        ratio is not None and target.availability_ratio >= ratio for ratio in ratios
    )


def _has_promising_callers(basis: ImpactBasis, service_id: str) -> bool:
    """Whether any service that its failure can travel to has an active objective."""
    network = basis.network
    above = np.flatnonzero(np.isfinite(network.distances([network.graph.index[service_id]])))
    callers = {network.graph.services[place].service_id for place in above.tolist()} - {service_id}
    return any(caller in basis.slos for caller in callers)


def told_of(service_id: str, rows: Sequence[ImpactRow]) -> Told:
    """Warning and event about callers that cannot keep their objective and lose by the decision."""
    hurt = [row for row in rows if row.violates and row.margin_change < 0.0]
    if not hurt:
        return Told()
    named = ", ".join(_named(row) for row in hurt[:MOST_NAMED])
    more = f" and {len(hurt) - MOST_NAMED} more" if len(hurt) > MOST_NAMED else ""
    callers = dict.fromkeys(row.service_id for row in hurt)
    teams = tuple(dict.fromkeys(row.team for row in hurt if row.team is not None))
    warning = (
        f"{len(callers)} caller{'' if len(callers) == 1 else 's'} of {service_id} cannot keep the active objective"
        f" with this: {named}{more}; ask impactAnalysis for paths and margins"
    )
    return Told((warning,), CallersAtRisk(tuple(callers)[:MOST_TOLD], teams, len(callers)))


def _named(row: ImpactRow) -> str:
    target = row.target
    if target is not None and target.availability_ratio is not None and row.after is not None:
        wanted, bound = percent_from_ratio(target.availability_ratio), percent_from_ratio(round(row.after, 6))
        before = ", below it before, too" if row.was_violated else ""
        return f"{row.service_id} ({wanted:.9g} %, its dependencies leave {bound:.9g} %{before})"
    if target is not None and row.after is not None:
        threshold = figure_text(target.threshold_ms or 0.0, 6)
        return f"{row.service_id} ({threshold} ms, up to {figure_text(row.after)} ms)"
    return row.service_id


def _forget(work: asyncio.Task[tuple[ImpactRow, ...]]) -> None:
    if not work.cancelled() and work.exception() is not None:
        _log.warning("impact of a decision is not known: %r", work.exception())
