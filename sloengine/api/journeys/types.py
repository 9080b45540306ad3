"""Journeys as clients read them. Availability in percent, latency in milliseconds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from inspect import isawaitable
from typing import Self

import strawberry
from strawberry import relay

from sloengine.api.context import Info
from sloengine.api.recommendation.bound import BoundContribution
from sloengine.api.recommendation.types import RecommendationResult, result_from_domain
from sloengine.api.topology.references import LazyService, linked_service
from sloengine.domain.journeys import model
from sloengine.domain.journeys.recommend_journey import JourneyAnswer
from sloengine.domain.recommendation.model import Recommendation
from sloengine.domain.recommendation.model import RecommendationResult as DomainResult


@strawberry.type(description="Services that a share of a journey's requests pass.")
class JourneyRoute:
    """A route."""

    service_ids: strawberry.Private[tuple[str, ...]]
    name: str = strawberry.field(description="Unlike the other routes'.")
    weight: float = strawberry.field(description="Share of the requests, relative to the other routes; above 0.")
    share: float = strawberry.field(description="Share of the requests, 0 to 1; a journey's routes add up to 1.")

    @strawberry.field(description="The services that its requests pass.")
    async def services(self, info: Info) -> list[LazyService]:
        """Loaded with all others."""
        return await _services(info, self.service_ids)


@strawberry.type(description="What users set out to do: where their requests enter and which services they pass.")
class Journey(relay.Node):
    """A journey."""

    journey: strawberry.Private[model.Journey]
    name: str = strawberry.field(description="There is one journey of each name.")
    created_by: str = strawberry.field(description="Who saved it first.")
    created_at: datetime = strawberry.field(description="When it was saved first.")
    updated_by: str = strawberry.field(description="Who saved it last.")
    updated_at: datetime = strawberry.field(description="When it was saved last.")

    @strawberry.field(description="Services that its requests reach first.")
    async def entry_points(self, info: Info) -> list[LazyService]:
        """Loaded with all others."""
        return await _services(info, self.journey.entry_points)

    @strawberry.field(description="Ways of its requests; none: all that the entry points call, by call weights.")
    def routes(self) -> list[JourneyRoute]:
        """As they were saved."""
        return [
            JourneyRoute(service_ids=route.services, name=route.name, weight=route.weight, share=share)
            for route, share in zip(self.journey.routes, self.journey.shares(), strict=True)
        ]

    @strawberry.field(
        description="Availability tiers for the whole journey, computed now from its services hour by hour, so "
        "that failures that came together count once; `service` is its first entry point. It is not stored: "
        "`node` does not find its `id`, and deciding on it is INVALID."
    )
    async def availability(self, info: Info) -> RecommendationResult:
        """Computed for all journeys of the request together."""
        answer = await self._answer(info)
        return result_from_domain(self._shown(answer.availability))

    @strawberry.field(
        description="Latency tiers, from what the entry points measure, waiting for others included; `service` is "
        "its first entry point. It is not stored: `node` does not find its `id`, and deciding on it is INVALID."
    )
    async def latency(self, info: Info) -> RecommendationResult:
        """Computed for all journeys of the request together."""
        answer = await self._answer(info)
        return result_from_domain(self._shown(answer.latency))

    @strawberry.field(description="Services by their share of the journey's failures, largest first, at most 50.")
    async def weakest_links(self, info: Info) -> list[BoundContribution]:
        """Computed for all journeys of the request together."""
        answer = await self._answer(info)
        return [BoundContribution.from_domain(link) for link in answer.weakest_links]

    async def _answer(self, info: Info) -> JourneyAnswer:
        answer = await info.context.journeys.answer_by_journey.load(self.journey)
        if answer is None:
            raise LookupError(f"no answer for journey {self.name!r}: the use case promises one for each")
        return answer

    def _shown(self, result: DomainResult) -> DomainResult:
        entry = self.journey.entry_points[0]
        if isinstance(result, Recommendation):
            made_up = f"{model.ANSWER_PREFIX}{self.journey.journey_id}:{result.sli_type.value}"
            return replace(result, service_id=entry, recommendation_id=made_up)
        return replace(result, service_id=entry)

    @classmethod
    def resolve_id(cls, root: Self, *, info: Info) -> str:
        """The stored id."""
        return root.journey.journey_id

    @classmethod
    def from_domain(cls, journey: model.Journey) -> Journey:
        """The journey as clients read it."""
        return cls(
            journey=journey,
            name=journey.name,
            created_by=journey.created_by,
            created_at=journey.created_at,
            updated_by=journey.updated_by,
            updated_at=journey.updated_at,
        )


async def _services(info: Info, service_ids: tuple[str, ...]) -> list[LazyService]:
    """Asked for side by side, so that they are loaded together."""

    async def one(service_id: str) -> LazyService:
        found = linked_service(info, service_id)
        return await found if isawaitable(found) else found

    return list(await asyncio.gather(*(one(service_id) for service_id in service_ids)))
