"""The domain's enumerations as GraphQL enums, each value described."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum

import strawberry

from sloengine.application.ports.service_graph import ServiceOrder as StoredServiceOrder
from sloengine.application.telemetry.read_sli import SliStep, SliWindow
from sloengine.domain.errors import ErrorCode
from sloengine.domain.governance.model import AuditAction, SloSource
from sloengine.domain.recommendation.model import (
    ObjectiveKind,
    RecommendationStatus,
    SliType,
    TargetLimit,
    TierName,
    UnavailableReason,
)
from sloengine.domain.reliability.window import ComplianceWindow
from sloengine.domain.topology.dependency import DependencyCriticality, DependencyMode, DiscoverySource
from sloengine.domain.topology.discovery_difference import ChangeKind as DiscoveryChange
from sloengine.domain.topology.ingestion import AlertStatus, JobStatus
from sloengine.domain.topology.name_choices import NameChoice
from sloengine.domain.topology.service import Criticality
from sloengine.infrastructure.drawings import DrawingFormat
from sloengine.infrastructure.exports import JourneyExportFormat


class GraphDirection(StrEnum):
    """Which way to walk."""

    DEPENDENCIES = "DEPENDENCIES"
    CALLERS = "CALLERS"


class ServiceOrder(StrEnum):
    """Sort keys of the services list."""

    SERVICE_ID = "SERVICE_ID"
    CRITICALITY = "CRITICALITY"
    BLAST_RADIUS = "BLAST_RADIUS"
    BUDGET_REMAINING = "BUDGET_REMAINING"

    @property
    def stored(self) -> StoredServiceOrder:
        """The store's name for it."""
        return StoredServiceOrder(self.value)


def _describe(enum: type[Enum], name: str, description: str, values: Mapping[str, str]) -> None:
    strawberry.enum(enum, name=name, description=description)
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[value.name]


_describe(
    GraphDirection,
    "GraphDirection",
    "Which way to walk the graph.",
    {
        "DEPENDENCIES": "From callers to what they call.",
        "CALLERS": "From a service to those that call it.",
    },
)
_describe(
    DrawingFormat,
    "GraphDrawingFormat",
    "What a drawing is written in.",
    {
        "DOT": "Graphviz.",
        "MERMAID": "A Mermaid flowchart, as Markdown pages show it.",
        "CYTOSCAPE_JSON": "Elements of Cytoscape and Cytoscape.js.",
    },
)
_describe(
    ServiceOrder,
    "ServiceOrder",
    "How a list of services is sorted.",
    {
        "SERVICE_ID": "By service id, ascending.",
        "BLAST_RADIUS": "Largest first, by the newest analysis of the graph; services without one last.",
        "BUDGET_REMAINING": "Least error budget left first, of any active SLO, as counted once an hour; those "
        "without a budget come last.",
        "CRITICALITY": "Most critical first, then by service id; those whose criticality nobody stated come last.",
    },
)
_describe(
    SliType,
    "SliType",
    "What is measured and promised.",
    {
        "AVAILABILITY": "Share of requests that succeed.",
        "LATENCY": "Time until the answer, as percentiles over requests.",
    },
)
_describe(
    TierName,
    "TierName",
    "How often the target may be missed.",
    {
        "CONSERVATIVE": "Missed in about one 28-day window in four years (holds with probability 0.98).",
        "BALANCED": "Missed in about one 28-day window a year (0.92).",
        "AGGRESSIVE": "Missed in about every fifth month (0.80).",
    },
)
_describe(
    Criticality,
    "Criticality",
    "How much the organisation suffers when the service is down.",
    {
        "CRITICAL": "The business stops.",
        "HIGH": "Many users are hurt.",
        "MEDIUM": "Some users are hurt, or only a while later.",
        "LOW": "Hardly anybody notices.",
    },
)
_describe(
    DependencyMode,
    "DependencyMode",
    "Whether the caller waits for the answer.",
    {
        "SYNC": "The caller waits.",
        "ASYNC": "The caller goes on: a failure of the dependency does not fail the request.",
    },
)
_describe(
    DependencyCriticality,
    "DependencyCriticality",
    "What the dependency's failure does to the caller's request.",
    {
        "HARD": "The request fails (passed on with probability 1).",
        "DEGRADED": "The request fails half of the time (0.5).",
        "SOFT": "The request rarely fails (0.1).",
    },
)
_describe(
    DiscoverySource,
    "DiscoverySource",
    "Who states a dependency.",
    {
        "MANUAL": "A person. Wins over all others; does not go stale.",
        "OTEL": "OpenTelemetry traces or metrics. Stale after 7 days unseen.",
        "K8S": "Kubernetes. Stale after 30 days unseen.",
        "MESH": "A service mesh. Stale after 7 days unseen.",
        "BACKSTAGE": "The Backstage catalogue. Stale after 30 days unseen.",
    },
)
_describe(
    DiscoveryChange,
    "DiscoveryChange",
    "What a reading of a real system does to a claim.",
    {
        "ADDED": "The source states it for the first time.",
        "CHANGED": "The source says something new about it.",
        "WITHDRAWN": "A complete listing no longer has it.",
        "UNSEEN": "Stated earlier and not seen this time: it ages.",
    },
)
_describe(
    AlertStatus,
    "AlertStatus",
    "Life of an alert.",
    {
        "OPEN": "Nobody has looked at it.",
        "ACKNOWLEDGED": "Somebody has.",
        "RESOLVED": "The cycle is gone, or somebody closed the alert.",
    },
)
_describe(
    RecommendationStatus,
    "RecommendationStatus",
    "The life of a recommendation: ACTIVE, then one of the others.",
    {
        "ACTIVE": "Can be accepted, modified or rejected.",
        "ACCEPTED": "One of its tiers became the active SLO, as it was or modified.",
        "REJECTED": "Somebody turned it down.",
        "SUPERSEDED": "A newer recommendation took its place.",
        "EXPIRED": "Nobody decided within 14 days.",
    },
)
_describe(
    SloSource,
    "SloSource",
    "How an SLO came to be.",
    {
        "ACCEPTED": "A recommended tier was accepted.",
        "MODIFIED": "A recommended tier was changed, then accepted.",
        "MANUAL": "Set by hand.",
        "AUTO_APPROVED": "Accepted by a rule.",
    },
)
_describe(
    AuditAction,
    "AuditAction",
    "What an entry of the audit trail records.",
    {
        "ACCEPT": "A recommended tier became the active SLO.",
        "MODIFY": "Other numbers than the recommended ones became the active SLO.",
        "REJECT": "A recommendation was turned down.",
        "SET": "An SLO was set by hand.",
        "AUTO_APPROVE": "A rule accepted a recommendation.",
        "EXPIRE": "A recommendation expired undecided.",
        "DRIFT_TRIGGERED": "Confirmed drift had a recommendation computed anew.",
        "NAME_DECIDED": "Somebody decided which service id a name of a source gets; `rationale` says which.",
    },
)
_describe(
    JourneyExportFormat,
    "JourneyExportFormat",
    "What journeys are exported as.",
    {
        "FILE": "Definitions, as `sloengine journeys save` reads them.",
        "OPENSLO_V1": "OpenSLO v1: a Service for each journey, an SLO for each tier and target.",
    },
)
_describe(
    NameChoice,
    "NameChoice",
    "Which service id a name is to have.",
    {
        "SHORT_ID": "The short one; the name that had it gets its full name.",
        "FULL_NAME": "Its full name, as the source has it.",
        "FORGET": "None yet: it is decided anew when it is read the next time.",
    },
)
_describe(
    ComplianceWindow,
    "ComplianceWindow",
    "The period over which an objective is judged. UTC.",
    {
        "ROLLING_7D": "The last 7 days.",
        "ROLLING_28D": "The last 28 days: always four of each weekday.",
        "ROLLING_30D": "The last 30 days.",
        "CALENDAR_MONTH": "From the first of the month.",
        "CALENDAR_QUARTER": "From the first of January, April, July or October.",
    },
)
_describe(
    SliWindow,
    "SliWindow",
    "Look-back of an SLI, ending at the newest aggregated hour.",
    {
        "LAST_1H": "One hour.",
        "LAST_1D": "24 hours.",
        "LAST_7D": "7 days.",
        "LAST_28D": "28 days.",
        "LAST_90D": "90 days.",
    },
)
_describe(
    SliStep,
    "SliStep",
    "Width of the intervals of a series, aligned to UTC.",
    {"HOUR": "One hour.", "DAY": "One day."},
)
_describe(
    ObjectiveKind,
    "ObjectiveKind",
    "The number that is promised.",
    {
        "AVAILABILITY": "Share of requests that succeed, in percent.",
        "LATENCY_P95": "95 % of requests are answered within this many milliseconds.",
        "LATENCY_P99": "99 % of requests are answered within this many milliseconds.",
    },
)
_describe(
    TargetLimit,
    "TargetLimit",
    "What kept a target from being tighter.",
    {
        "HISTORY": "The service's own past failures.",
        "PRIOR": "Too few incidents of its own to go by: what similar services do speaks.",
        "LOW_TRAFFIC": "Too few requests to show a tighter target.",
        "DEPENDENCY_OBSERVED": "What the dependencies were seen to do.",
        "DEPENDENCY_PROMISE": "What the dependencies' own SLOs promise.",
        "ROUNDING": "Rounded to a figure that people use, to the safe side.",
        "ON_RECORD": "Today's data give a tighter one; an earlier target stays, so that targets do not flap.",
    },
)
_describe(
    UnavailableReason,
    "UnavailableReason",
    "Why there is no recommendation.",
    {
        "NO_DATA": "No telemetry, or nobody has asked for a recommendation yet; the message says which.",
        "NOT_ENOUGH_DATA": "Too little telemetry to carry any target.",
        "BAD_TELEMETRY": "The telemetry cannot be true.",
        "NO_HISTOGRAM": "Latency is known only as percentiles, which cannot be added up.",
        "NOT_TESTABLE": "So little traffic that one failure costs more than 20 % of the budget.",
        "SOURCE_DOWN": "The telemetry source does not answer and nothing earlier is stored.",
    },
)
_describe(
    JobStatus,
    "JobStatus",
    "Where long work stands.",
    {
        "QUEUED": "Accepted and stored; waiting for a worker.",
        "RUNNING": "A worker is on it.",
        "SUCCEEDED": "Done.",
        "FAILED": "Given up; `error` says why.",
    },
)
_describe(
    ErrorCode,
    "UserErrorCode",
    "What a client can branch on.",
    {
        "NOT_FOUND": "The thing named does not exist.",
        "FORBIDDEN": "You may not do this.",
        "INVALID": "A value is outside what is allowed.",
        "CONFLICT": "Somebody else decided at the same time; look again.",
        "NOT_ACTIVE": "The recommendation was already decided, superseded or has expired.",
        "RATIONALE_REQUIRED": "This decision needs a reason in words.",
        "IDEMPOTENCY_MISMATCH": "The idempotency key was used before with another body.",
        "TOO_LARGE": "Over a stated limit.",
        "UNAVAILABLE": "A store or a telemetry source does not answer; try again later.",
    },
)

UserErrorCode = ErrorCode

__all__ = [
    "AlertStatus",
    "AuditAction",
    "ComplianceWindow",
    "Criticality",
    "DependencyCriticality",
    "DependencyMode",
    "DiscoveryChange",
    "DiscoverySource",
    "DrawingFormat",
    "GraphDirection",
    "JobStatus",
    "JourneyExportFormat",
    "NameChoice",
    "ObjectiveKind",
    "RecommendationStatus",
    "ServiceOrder",
    "SliStep",
    "SliType",
    "SliWindow",
    "SloSource",
    "TargetLimit",
    "TierName",
    "UnavailableReason",
    "UserErrorCode",
]
