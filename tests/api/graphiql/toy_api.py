"""A small GraphQL API with a key, enough of sloengine's schema to run two of the shipped examples."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import strawberry
from fastapi import FastAPI
from starlette.middleware.base import RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from strawberry.fastapi import GraphQLRouter
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from sloengine.api.graphiql import install_graphiql

KEY = "slo_dev_0123456789abcdef"

SliType = strawberry.enum(Enum("SliType", ["AVAILABILITY", "LATENCY"]))
TierName = strawberry.enum(Enum("TierName", ["CONSERVATIVE", "BALANCED", "AGGRESSIVE"]))


@strawberry.input(one_of=True)
class ServiceBy:
    service_id: str | None = strawberry.UNSET
    entity_ref: str | None = strawberry.UNSET


@strawberry.type
class Recommendation:
    id: strawberry.ID
    status: str
    summary: str


@strawberry.type
class RecommendationUnavailable:
    reason: str
    message: str


@strawberry.type
class Service:
    service_id: str

    @strawberry.field
    def recommendation(self, sli_type: SliType) -> Recommendation | RecommendationUnavailable:
        return Recommendation(id=strawberry.ID("rec-42"), status="ACTIVE", summary="99.9 % will hold")


@strawberry.type
class AuditIntegrity:
    """Whether the hash chain of the audit log still fits."""

    intact: bool
    checked: int
    first_broken_sequence: int | None = None
    head_hash: str | None = None


@strawberry.type
class SloTarget:
    kind: str
    availability_percent: float | None = None
    threshold_ms: float | None = None


@strawberry.type
class Slo:
    service: Service
    window: str
    source: str
    targets: list[SloTarget]
    activated_at: datetime


@strawberry.type
class AuditEvent:
    sequence: int
    hash: str


@strawberry.type
class UserError:
    code: str
    message: str
    path: list[str]


@strawberry.type
class SloDecisionPayload:
    slo: Slo | None
    probability_met: float | None
    audit_event: AuditEvent | None
    warnings: list[str]
    user_errors: list[UserError]


@strawberry.input
class AcceptRecommendationInput:
    recommendation_id: strawberry.ID
    tier: TierName
    rationale: str | None = None


@strawberry.type
class Query:
    @strawberry.field
    def service(self, by: ServiceBy) -> Service | None:
        return Service(service_id=by.service_id or "unknown")

    @strawberry.field(description="Is the audit log as it was written?")
    def audit_integrity(self) -> AuditIntegrity:
        return AuditIntegrity(intact=True, checked=17, head_hash="c0ffee")


@strawberry.type
class Mutation:
    @strawberry.mutation
    def accept_recommendation(self, input: AcceptRecommendationInput) -> SloDecisionPayload:  # noqa: A002
        slo = Slo(
            service=Service(service_id=f"accepted-{input.recommendation_id}"),
            window="ROLLING_28D",
            source="ACCEPTED",
            targets=[SloTarget(kind="AVAILABILITY", availability_percent=99.9)],
            activated_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        return SloDecisionPayload(
            slo=slo,
            probability_met=0.92,
            audit_event=AuditEvent(sequence=1, hash="c0ffee"),
            warnings=[],
            user_errors=[],
        )


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def counted(self) -> AsyncIterator[int]:
        for number in range(3):
            yield number


class KeyedRouter(GraphQLRouter[Any, Any]):
    async def on_ws_connect(self, context: Any) -> Any:
        if (context.get("connection_params") or {}).get("apiKey") != KEY:
            raise strawberry.exceptions.ConnectionRejectionError({"message": "no such key"})
        return strawberry.UNSET


def toy_api() -> FastAPI:
    """Return the toy API with the real GraphiQL page in front of it."""
    schema = strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def require_key(request: Request, call_next: RequestResponseEndpoint) -> Response:
        if request.method == "POST" and request.headers.get("X-API-Key") != KEY:
            problem = {"type": "about:blank", "title": "Unauthorized", "status": 401, "detail": "no such key"}
            return JSONResponse(problem, status_code=401, media_type="application/problem+json")
        return await call_next(request)

    router = KeyedRouter(schema, graphql_ide=None, subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL])
    app.include_router(router, prefix="/graphql")
    install_graphiql(app)
    return app
