"""What this process tells Prometheus about itself."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response

REQUEST_SECONDS = Histogram(
    "sloengine_http_request_duration_seconds",
    "Time from the first byte of a request to the last byte of its answer.",
    ["method", "route", "status"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
IN_FLIGHT = Gauge("sloengine_http_requests_in_flight", "Requests that are being answered.")
GRAPHQL_ERRORS = Counter(
    "sloengine_graphql_errors_total", "Errors in GraphQL answers, by extensions.code.", ["code"]
)
USER_ERRORS = Counter(
    "sloengine_user_errors_total", "Errors of mutations that the caller can mend, by code.", ["code"]
)
EVENT_CONNECTIONS = Gauge("sloengine_event_connections", "WebSockets of known clients.")
EVENT_SUBSCRIPTIONS = Gauge("sloengine_event_subscriptions", "Subscriptions that are open.")


def metrics(_request: Request) -> Response:
    """All of it, in the text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
