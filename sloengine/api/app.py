"""The HTTP application: ``uvicorn --factory sloengine.api.app:create_app``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute

from sloengine.api.authentication import DevelopmentKey
from sloengine.api.endpoint import GraphQLEndpoint
from sloengine.api.events.connection import SubscriptionLimits
from sloengine.api.events.socket import SubscriptionSocket
from sloengine.api.graphiql import install_graphiql
from sloengine.api.health import live, ready
from sloengine.api.http_problems import ProblemResponse
from sloengine.api.metrics import metrics
from sloengine.api.observed import ObservedRequests
from sloengine.api.schema import build_schema, schema
from sloengine.bootstrap.collector import settle_collector
from sloengine.bootstrap.connections import open_served
from sloengine.bootstrap.container import UseCases
from sloengine.bootstrap.settings import Environment, Settings
from sloengine.bootstrap.threads import settle_threads

GRAPHQL_PATH = "/graphql"


def create_app(
    settings: Settings | None = None,
    *,
    opened: Callable[[Settings], AbstractAsyncContextManager[UseCases]] = open_served,
    subscription_limits: SubscriptionLimits | None = None,
) -> FastAPI:
    """The application. ``settings`` None: from the environment. ``opened`` gives the use cases while it lives."""
    settings = settings or Settings()
    development = settings.env is Environment.DEVELOPMENT

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with opened(settings) as use_cases:
            app.state.use_cases = use_cases
            settle_collector()
            settle_threads()
            yield

    app = FastAPI(title="sloengine", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.settings = settings
    key = settings.dev_api_key.get_secret_value() if settings.dev_api_key else None
    keys = DevelopmentKey(key, development=development)
    served = schema if development else build_schema(introspection=False)
    app.router.routes.extend(
        [
            Route(GRAPHQL_PATH, GraphQLEndpoint(served, keys), methods=["POST"]),
            WebSocketRoute(GRAPHQL_PATH, SubscriptionSocket(served, keys, subscription_limits)),
            Route("/", _to_graphql, methods=["GET"]),
            Route("/health/live", live, methods=["GET"]),
            Route("/health/ready", ready, methods=["GET"]),
            Route("/metrics", metrics, methods=["GET"]),
        ]
    )
    install_graphiql(app, GRAPHQL_PATH)
    app.add_middleware(ObservedRequests)
    app.add_exception_handler(HTTPException, _http_problem)
    return app


def _to_graphql(_request: Request) -> Response:
    return RedirectResponse(GRAPHQL_PATH)


def _http_problem(request: Request, error: Exception) -> Response:
    status = (
        HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    )
    details = {
        HTTPStatus.NOT_FOUND: f"There is nothing at {request.url.path}; the API is at {GRAPHQL_PATH}.",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not for {request.url.path}; operations come by POST.",
    }
    headers = error.headers if isinstance(error, HTTPException) else None
    return ProblemResponse(status, details.get(status, str(error)), code=status.name, headers=headers)
