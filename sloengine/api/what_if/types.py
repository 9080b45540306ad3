"""What-ifs as clients read them. Availability in percent, latency in milliseconds."""

from __future__ import annotations

from typing import cast

import strawberry
from strawberry.scalars import JSON

from sloengine.api.enums import ObjectiveKind
from sloengine.api.impact.types import ComposedLatency
from sloengine.api.recommendation.enums import TierName
from sloengine.api.topology.references import service_link
from sloengine.domain.reliability.percent import percent_from_ratio
from sloengine.domain.what_if import model
from sloengine.domain.what_if.documents import edit_document


@strawberry.type(description="An achievable target of a service in focus, before and after the edits.")
class WhatIfRow:
    """A row."""

    service_id: strawberry.Private[str]
    service = service_link("service_id", "The service in focus.")
    kind: ObjectiveKind = strawberry.field(description="The number that could be promised.")
    tier: TierName = strawberry.field(description="How often it may be missed.")
    before: float | None = strawberry.field(
        description="On the graph as it is: percent or milliseconds; null: there is no such target."
    )
    after: float | None = strawberry.field(
        description="On the edited graph; latency at best. Null: there is no such target, or the note says what "
        "is not known."
    )
    note: str | None = strawberry.field(description="Why there is none, or what the figure rests on.")
    composed: ComposedLatency | None = strawberry.field(
        description="Of latency, the target that the measured distributions give on the edited graph: an estimate "
        "beside `after`, which is at best. Null: availability, or no edit changes what anybody waits for."
    )

    @classmethod
    def from_domain(cls, row: model.WhatIfRow) -> WhatIfRow:
        """The row as clients read it."""
        return cls(
            service_id=row.service_id,
            kind=row.kind,
            tier=row.tier,
            before=shown(row.kind, row.before),
            after=shown(row.kind, row.after),
            note=row.note,
            composed=ComposedLatency.from_domain(row.composed),
        )


def shown(kind: ObjectiveKind, value: float | None) -> float | None:
    """Percent for availability, milliseconds for latency."""
    return percent_from_ratio(value) if kind is ObjectiveKind.AVAILABILITY and value is not None else value


@strawberry.type(description="One edit and what it alone is worth.")
class WhatIfEdit:
    """An edit."""

    edit: JSON = strawberry.field(description="As it was given.")
    budget_minutes_gained: float = strawberry.field(
        description="Minutes of full outage in a window that the services in focus are spared, all added up, by "
        "this edit alone; negative: it costs some."
    )


@strawberry.type(description="What would be achievable if the graph were another. Nothing is stored.")
class WhatIfResult:
    """A what-if."""

    focus: list[WhatIfRow] = strawberry.field(description="Per service in focus, kind and tier.")
    edits: list[WhatIfEdit] = strawberry.field(description="In the order given.")
    budget_minutes_gained: float = strawberry.field(
        description="By all edits together. Edits that help against the same failures gain less than their sum."
    )
    summary: str = strawberry.field(description="In plain words.")
    notes: list[str] = strawberry.field(description="What the answer rests on, or does not say.")

    @classmethod
    def from_domain(cls, found: model.WhatIfResult) -> WhatIfResult:
        """The answer as clients read it."""
        return cls(
            focus=[WhatIfRow.from_domain(row) for row in found.focus],
            edits=[
                WhatIfEdit(
                    edit=cast("JSON", edit_document(one.edit)), budget_minutes_gained=one.budget_minutes_gained
                )
                for one in found.edits
            ],
            budget_minutes_gained=found.budget_minutes_gained,
            summary=found.summary,
            notes=list(found.notes),
        )
