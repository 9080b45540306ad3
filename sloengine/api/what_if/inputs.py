"""Edits as clients write them. Availability in percent, ratios in [0, 1]."""

from __future__ import annotations

import strawberry

from sloengine.api.inputs import as_row
from sloengine.domain.topology.common_cause import DEFAULT_COMMON_CAUSE
from sloengine.domain.what_if.documents import edit_of_document
from sloengine.domain.what_if.edits import GraphEdit


@strawberry.input(description="A call between two services.")
class EdgeInput:
    """An edge, and for `soften` what it still passes on."""

    caller: str = strawberry.field(description="`serviceId` of who calls.")
    dependency: str = strawberry.field(description="`serviceId` of what is called.")
    pass_through: float | None = strawberry.field(
        default=strawberry.UNSET,
        description="For `soften` only: share of the dependency's failures that still fail the caller, 0 to 1; "
        "default 0.1.",
    )


@strawberry.input(description="Where the dependency fails, the caller turns to another: one of the two is enough.")
class FallbackInput:
    """A fallback: a service of the graph or a stated availability."""

    caller: str = strawberry.field(description="`serviceId` of who calls.")
    dependency: str = strawberry.field(description="`serviceId` of what is called.")
    fallback: str | None = strawberry.field(
        default=strawberry.UNSET, description="`serviceId` of the service that stands in; or name a figure."
    )
    availability_percent: float | None = strawberry.field(
        default=strawberry.UNSET, description="Of something outside the graph, independent of all in it."
    )


@strawberry.input(description="Replicas of a service, of which some must be good.")
class ReplicaInput:
    """k of n."""

    service_id: str = strawberry.field(description="`serviceId` of the service.")
    replicas: int = strawberry.field(description="How many there are in all, 2 to 20.")
    required: int = strawberry.field(description="How many of them must be good.")
    common_cause: float | None = strawberry.field(
        default=DEFAULT_COMMON_CAUSE, description="Share of one replica's failures that strikes all, 0 to 1."
    )


@strawberry.input(description="A better service in its place: one of the two numbers.")
class ImproveInput:
    """Improve or replace."""

    service_id: str = strawberry.field(description="`serviceId` of the service.")
    availability_percent: float | None = strawberry.field(
        default=strawberry.UNSET, description="What it then does, in percent; never better than what it inherits."
    )
    latency_scale: float | None = strawberry.field(
        default=strawberry.UNSET, description="It then takes so many times as long; 0.5: half."
    )


@strawberry.input(description="A cache in front of a dependency: only misses are called.")
class CacheInput:
    """A cache."""

    caller: str = strawberry.field(description="`serviceId` of who calls.")
    dependency: str = strawberry.field(description="`serviceId` of what is called.")
    hit_ratio: float = strawberry.field(description="Share of the calls that the cache answers, 0 to 1.")


@strawberry.input(one_of=True, description="One edit of the graph that nobody has made yet.")
class GraphEditInput:
    """Exactly one of the fields."""

    soften: EdgeInput | None = strawberry.field(
        default=strawberry.UNSET, description="The caller can go on without the dependency."
    )
    make_async: EdgeInput | None = strawberry.field(
        default=strawberry.UNSET, description="The caller does not wait for the dependency."
    )
    cut: EdgeInput | None = strawberry.field(default=strawberry.UNSET, description="The call is gone.")
    add_fallback: FallbackInput | None = strawberry.field(
        default=strawberry.UNSET, description="Another service or figure stands in."
    )
    add_replica: ReplicaInput | None = strawberry.field(
        default=strawberry.UNSET, description="The service runs several times."
    )
    improve: ImproveInput | None = strawberry.field(
        default=strawberry.UNSET, description="The service is better, or replaced by a better one."
    )
    add_cache: CacheInput | None = strawberry.field(
        default=strawberry.UNSET, description="Some of the calls are answered from a cache."
    )

    def to_domain(self, *path: str) -> GraphEdit:
        """The edit; what fits the graph is the domain's business."""
        given = {name: as_row(value) for name, value in as_row(self).items()}
        return edit_of_document(given, path)
