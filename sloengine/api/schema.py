"""The whole schema: topics put together, with the limits and the masking of errors around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import strawberry
from strawberry import relay
from strawberry.relay.types import GlobalIDValueError

from sloengine.api.accuracy.queries import AccuracyQueries
from sloengine.api.context import Context, Info
from sloengine.api.documents import GuardedDocuments, KnownDocuments
from sloengine.api.drift.queries import DriftQueries
from sloengine.api.drift.types import DriftEvent
from sloengine.api.events.subscriptions import Subscription
from sloengine.api.events.types import EVENT_TYPES
from sloengine.api.governance.mutations import GovernanceMutations
from sloengine.api.governance.queries import GovernanceQueries
from sloengine.api.governance.types import AuditEvent, Slo
from sloengine.api.impact.queries import ImpactQueries
from sloengine.api.journeys.mutations import JourneyMutations
from sloengine.api.journeys.queries import JourneyQueries
from sloengine.api.journeys.types import Journey
from sloengine.api.plain_fields import PlainFieldExecutor, mark_plain_fields
from sloengine.api.problems import MaskedErrors, QuietSchema
from sloengine.api.recommendation.mutations import RecommendationMutations
from sloengine.api.recommendation.queries import RecommendationQueries
from sloengine.api.recommendation.types import Recommendation, RecommendationJob
from sloengine.api.topology.alerts import CircularDependencyAlert
from sloengine.api.topology.discovery import DiscoveryMutations, DiscoveryQueries
from sloengine.api.topology.divergences import Divergence, DivergenceQueries
from sloengine.api.topology.ingestions import Ingestion
from sloengine.api.topology.mutations import TopologyMutations
from sloengine.api.topology.queries import TopologyQueries
from sloengine.api.topology.remembered_names import NameMutations, NameQueries
from sloengine.api.topology.types import Service, Supernode
from sloengine.api.what_if.queries import WhatIfQueries
from sloengine.domain.errors import Invalid


@strawberry.type(description="Everything that can be asked. Times are ISO 8601 in UTC; `first` is at most 200.")
class Query(
    TopologyQueries,
    DivergenceQueries,
    DiscoveryQueries,
    NameQueries,
    RecommendationQueries,
    GovernanceQueries,
    AccuracyQueries,
    DriftQueries,
    JourneyQueries,
    ImpactQueries,
    WhatIfQueries,
):
    """Root of queries."""

    @strawberry.field(description="Any object by its `id`; null: no such object.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="`id` of any object.")],  # noqa: A002
    ) -> relay.Node | None:
        """Through the loader of its type."""
        try:
            wanted = relay.GlobalID.from_id(id)
        except GlobalIDValueError as error:
            raise Invalid(
                f"{id!r} is not an id of this API; take the `id` field of an object", path=("id",)
            ) from error
        if wanted.type_name not in NODES:
            return None
        loader, shown = NODES[wanted.type_name]
        found = await loader(info.context).load(wanted.node_id)
        return None if found is None else shown(found)


# Per type: the loader that finds it, and how it is shown.
NODES: Mapping[str, tuple[Callable[[Context], Any], Callable[[Any], relay.Node]]] = {
    "Service": (lambda context: context.topology.service_by_id, Service.from_domain),
    "Supernode": (lambda context: context.topology.supernode_by_service, Supernode.from_domain),
    "CircularDependencyAlert": (lambda context: context.topology.alert_by_id, CircularDependencyAlert.from_domain),
    "Divergence": (lambda context: context.topology.divergence_by_id, Divergence.from_domain),
    "Ingestion": (lambda context: context.topology.ingestion_by_id, Ingestion.from_domain),
    "Recommendation": (lambda context: context.recommendation.recommendation_by_id, Recommendation.from_domain),
    "RecommendationJob": (lambda context: context.recommendation.job_by_id, RecommendationJob.from_domain),
    "Slo": (lambda context: context.governance.slo_by_id, Slo.from_domain),
    "DriftEvent": (lambda context: context.drift.event_by_id, DriftEvent.from_domain),
    "Journey": (lambda context: context.journeys.journey_by_id, Journey.from_domain),
    "AuditEvent": (lambda context: context.governance.audit_event_by_id, AuditEvent.from_domain),
}


@strawberry.type(
    description="Everything that can be done. Errors that you can mend come back as `userErrors` in the payload."
)
class Mutation(
    TopologyMutations,
    DiscoveryMutations,
    NameMutations,
    RecommendationMutations,
    GovernanceMutations,
    JourneyMutations,
):
    """Root of mutations."""


def build_schema(*, introspection: bool = True) -> strawberry.Schema:
    """The schema; without ``introspection`` it does not tell about itself."""
    documents = KnownDocuments(introspection=introspection)
    built = QuietSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[
            *EVENT_TYPES,
            Service,
            Recommendation,
            Slo,
            AuditEvent,
            DriftEvent,
            Ingestion,
            RecommendationJob,
            CircularDependencyAlert,
            Divergence,
            Supernode,
            Journey,
        ],
        execution_context_class=PlainFieldExecutor,
        extensions=[MaskedErrors, lambda: GuardedDocuments(documents)],
    )
    mark_plain_fields(built)
    return built


schema = build_schema()
