"""Say who is hurt if SLOs were changed. Every role may; nothing is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sloengine.application.impact.impact_bases import ImpactBases
from sloengine.domain.errors import Invalid, ServiceNotFound, TooLarge
from sloengine.domain.governance.decisions import checked_target
from sloengine.domain.governance.model import Actor
from sloengine.domain.impact.analyse import ImpactBasis, follow
from sloengine.domain.impact.composed import LatencyComposition
from sloengine.domain.impact.latency import LatencyLevels, analyse_latency
from sloengine.domain.impact.model import ImpactAnalysis, ImpactRow, SloChange, worst_first
from sloengine.domain.impact.told import analysis_of, not_kept_by_themselves
from sloengine.domain.recommendation.model import ObjectiveKind

MOST_CHANGES = 50


@dataclass(frozen=True, slots=True)
class AnalyseImpactCommand:
    """``max_depth``: only callers within so many calls; None: any depth."""

    changes: Sequence[SloChange]
    max_depth: int | None = None


@dataclass(frozen=True, slots=True)
class AnalyseImpact:
    """Rows worst first, with reasons and teams to ask; several changes at once, of availability and latency."""

    bases: ImpactBases

    async def __call__(self, command: AnalyseImpactCommand, *, actor: Actor) -> ImpactAnalysis:
        """Raises ``ServiceNotFound``, ``Invalid``, ``TooLarge``, naming the field."""
        del actor  # every role may read
        check(command)
        basis = await self.bases.current()
        for place, change in enumerate(command.changes):
            if change.service_id not in basis.network.graph.index:
                raise ServiceNotFound(
                    f"no service {change.service_id!r}", path=("changes", str(place), "serviceId")
                )
        is_latency = any(change.target.kind is not ObjectiveKind.AVAILABILITY for change in command.changes)
        levels = await self.bases.latency(basis) if is_latency else None
        found = await asyncio.to_thread(analysed, basis, command, levels)
        if levels is None:
            return found
        composition = await asyncio.to_thread(
            LatencyComposition.of, basis.network.graph, levels, command.changes, found.rows
        )
        histories = await self.bases.histograms(sorted(composition.needs))
        return replace(found, rows=await asyncio.to_thread(composition.composed, found.rows, histories))


def check(command: AnalyseImpactCommand) -> None:
    """Raise ``Invalid`` or ``TooLarge`` for changes that cannot be."""
    if not command.changes:
        raise Invalid("name at least one change", path=("changes",))
    if len(command.changes) > MOST_CHANGES:
        raise TooLarge(f"{len(command.changes)} changes, at most {MOST_CHANGES} at once", path=("changes",))
    if command.max_depth is not None and command.max_depth < 1:
        raise Invalid("maxDepth must be 1 or more; leave it out for any depth", path=("maxDepth",))
    seen: set[tuple[str, ObjectiveKind]] = set()
    for place, change in enumerate(command.changes):
        path = ("changes", str(place))
        checked_target(change.target, path)
        key = (change.service_id, change.target.kind)
        if key in seen:
            raise Invalid(f"{change.target.kind} of {change.service_id!r} is changed twice", path=path)
        seen.add(key)


def analysed(basis: ImpactBasis, command: AnalyseImpactCommand, levels: LatencyLevels | None) -> ImpactAnalysis:
    """The analysis, from values alone."""
    followed = follow(basis, command.changes)
    rows: tuple[ImpactRow, ...] = () if followed is None else followed.callers(command.max_depth)
    notes: tuple[str, ...] = ()
    if levels is not None:
        slow, notes = analyse_latency(basis.network, levels, command.changes, command.max_depth)
        rows = tuple(sorted((*rows, *slow), key=worst_first))
    notes = (*not_kept_by_themselves(followed, levels, command.changes, rows), *notes)
    return analysis_of(basis, command.changes, rows, notes)
