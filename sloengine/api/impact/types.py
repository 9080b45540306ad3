"""Impact analyses as clients read them. Availability in percent, latency in milliseconds."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated

import strawberry

from sloengine.api.connections import Connection
from sloengine.api.context import Info
from sloengine.api.enums import ObjectiveKind
from sloengine.api.governance.types import SloTarget
from sloengine.api.inputs import page_request
from sloengine.api.journeys.types import Journey
from sloengine.api.topology.references import service_link
from sloengine.application.ports.paging import Page, PageRequest
from sloengine.domain.errors import Invalid
from sloengine.domain.impact import journeys as impacted
from sloengine.domain.impact import model
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.topology import composed_latency as composed


@strawberry.type(
    description="A latency composed along calls from measured histograms. The graph does not know the order of "
    "calls, so it is told as a range: calls side by side make one end, calls one after another the other."
)
class ComposedLatency:
    """A range, or why there is none."""

    low_ms: float | None = strawberry.field(description="The least; null together with `highMs`.")
    high_ms: float | None = strawberry.field(description="The most.")
    reason: str = strawberry.field(description="What the figures rest on, or why they are null.")

    @classmethod
    def from_domain(cls, found: composed.ComposedLatency | None) -> ComposedLatency | None:
        """As clients read it."""
        return None if found is None else cls(low_ms=found.low_ms, high_ms=found.high_ms, reason=found.reason)


@strawberry.type(description="One caller of a changed service, at any depth, and what becomes of its bound.")
class ImpactRow:
    """A row."""

    service_id: strawberry.Private[str]
    service = service_link("service_id", "The caller.")
    kind: ObjectiveKind = strawberry.field(description="The number that is affected.")
    distance: int = strawberry.field(description="Fewest calls from it to a changed service.")
    path: list[str] = strawberry.field(
        description="Service ids from it to the changed service, along the way that passes most failures on."
    )
    reason: str = strawberry.field(description="Which path, and how much margin, in points and budget minutes.")
    bound_before_percent: float | None = strawberry.field(
        description="Availability that its dependencies allow when they do no better than they promise (as seen "
        "where they promise nothing), its own failures as seen, both over the last 28 days. The bound of a "
        "recommendation looks at all its history and at what was seen only. Null for latency."
    )
    bound_after_percent: float | None = strawberry.field(description="The same after the changes.")
    latency_before_ms: float | None = strawberry.field(
        description="The percentile as measured over the last 28 days; null: not known, or availability."
    )
    latency_after_ms: float | None = strawberry.field(
        description="The most it can become; null: not known, without limit, or availability."
    )
    composed: ComposedLatency | None = strawberry.field(
        description="What the percentile becomes if changed services use the room that they get, by the measured "
        "distributions; an estimate beside the limit, also where a cycle of waiting leaves none. Null for "
        "availability."
    )
    active_target: SloTarget | None = strawberry.field(
        description="What it is judged by: its active SLO, or its own new objective; null: it has none."
    )
    violates: bool = strawberry.field(description="After the changes the objective cannot be kept.")
    violated_before: bool = strawberry.field(description="It could not be kept before, either.")
    margin_change: float = strawberry.field(
        description="Percentage points of availability, or milliseconds of room; negative: room is lost."
    )
    standard_error_percent: float = strawberry.field(
        description="Of `boundAfterPercent`, in percentage points; 0: exact or not sampled."
    )

    @classmethod
    def from_domain(cls, row: model.ImpactRow) -> ImpactRow:
        """The row as clients read it."""
        is_availability = row.kind is ObjectiveKind.AVAILABILITY
        return cls(
            service_id=row.service_id,
            kind=row.kind,
            distance=row.distance,
            path=list(row.path),
            reason=row.reason,
            bound_before_percent=_percent(row.before) if is_availability else None,
            bound_after_percent=_percent(row.after) if is_availability else None,
            latency_before_ms=None if is_availability else row.before,
            latency_after_ms=None if is_availability else row.after,
            composed=ComposedLatency.from_domain(row.composed),
            active_target=None if row.target is None else SloTarget.from_domain(row.target),
            violates=row.violates,
            violated_before=row.was_violated,
            margin_change=row.margin_change,
            standard_error_percent=100.0 * row.standard_error,
        )


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else percent_from_ratio(ratio)


@strawberry.type(
    description="A journey that a change reaches: a route of it passes what changes; it has no routes, and an "
    "entry point is changed or inherits the change at any depth; or an entry point answers too late with it."
)
class ImpactedJourney:
    """A journey that is hurt, or helped."""

    journey: Journey = strawberry.field(description="The journey.")
    bound_before_percent: float | None = strawberry.field(
        description="With routes: what requests on each route get, weighted by the routes. Without: bounds of its "
        "entry points as the rows have them, of a changed one no more than it promises, weighted by the requests "
        "of the last 28 days. Null together with `boundAfterPercent`; `reason` says why."
    )
    bound_after_percent: float | None = strawberry.field(description="The same with the changes.")
    violates: bool = strawberry.field(
        description="With the changes an entry point cannot keep its objective, of availability or of latency."
    )
    reason: str = strawberry.field(
        description="The routes that pass what changes, or the entry point that loses most and why, or why the "
        "bounds are null."
    )

    @classmethod
    def from_domain(cls, hurt: impacted.ImpactedJourney) -> ImpactedJourney:
        """The journey as clients read it."""
        return cls(
            journey=Journey.from_domain(hurt.journey),
            bound_before_percent=_percent(hurt.before),
            bound_after_percent=_percent(hurt.after),
            violates=hurt.violates,
            reason=hurt.reason,
        )


@strawberry.type(description="Who is hurt if the SLOs were changed. Nothing is stored.")
class ImpactAnalysis:
    """An analysis."""

    domain: strawberry.Private[model.ImpactAnalysis]
    changes: strawberry.Private[Sequence[model.SloChange]]
    teams: list[str] = strawberry.field(
        description="Teams of callers that lose room, or whose objective breaks by this, worst first: ask them."
    )
    summary: str = strawberry.field(description="In plain words.")
    notes: list[str] = strawberry.field(description="What the answer rests on, or does not say.")
    graph_version: int = strawberry.field(description="Version of the graph it was worked out on.")

    @strawberry.field(description="Callers, worst first.")
    def rows(
        self,
        first: Annotated[int | None, strawberry.argument(description="Rows, 1 to 200.")] = 50,
        after: Annotated[
            str | None, strawberry.argument(description="Cursor to go on behind.")
        ] = strawberry.UNSET,
    ) -> Connection[ImpactRow]:
        """A page of what is here."""
        request = page_request(first, after)
        return Connection.of(_page(self.domain.rows, request), request, ImpactRow.from_domain)

    @strawberry.field(
        description="Journeys that the changes reach, most hurt first, at any depth whatever `maxDepth` says. "
        "Worked out when asked for."
    )
    async def journeys(self, info: Info) -> list[ImpactedJourney]:
        """On promises, as the rows are."""
        found = await info.context.use_cases.journeys_hurt(self.changes)
        return [ImpactedJourney.from_domain(one) for one in found]

    @classmethod
    def from_domain(cls, found: model.ImpactAnalysis, changes: Sequence[model.SloChange]) -> ImpactAnalysis:
        """The analysis as clients read it."""
        return cls(
            domain=found,
            changes=changes,
            teams=list(found.teams),
            summary=found.summary,
            notes=list(found.notes),
            graph_version=found.graph_version,
        )


def _page(rows: tuple[model.ImpactRow, ...], request: PageRequest) -> Page[model.ImpactRow]:
    start = 0 if request.after is None else _place(request.after)
    shown = rows[start : start + request.first]
    return Page(
        rows=shown,
        cursors=[base64.urlsafe_b64encode(str(start + i + 1).encode()).decode() for i in range(len(shown))],
        has_next=start + len(shown) < len(rows),
        total_count=len(rows),
    )


def _place(cursor: str) -> int:
    try:
        return max(0, int(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)))
    except (binascii.Error, ValueError) as error:
        raise Invalid(f"after: {cursor!r} is not a cursor of this list", path=("after",)) from error
