"""Enumerations of the graph as GraphQL enums."""

from __future__ import annotations

from enum import StrEnum

from sloengine.api.enums import describe
from sloengine.application.ports.service_graph import ServiceOrder as StoredServiceOrder
from sloengine.domain.topology.dependency import DependencyCriticality, DependencyMode, DiscoverySource
from sloengine.domain.topology.discovery_difference import ChangeKind as DiscoveryChange
from sloengine.domain.topology.ingestion import AlertStatus
from sloengine.domain.topology.name_choices import NameChoice
from sloengine.domain.topology.service import Criticality
from sloengine.infrastructure.drawings import DrawingFormat


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


describe(
    GraphDirection,
    "GraphDirection",
    "Which way to walk the graph.",
    {
        "DEPENDENCIES": "From callers to what they call.",
        "CALLERS": "From a service to those that call it.",
    },
)
describe(
    DrawingFormat,
    "GraphDrawingFormat",
    "What a drawing is written in.",
    {
        "DOT": "Graphviz.",
        "MERMAID": "A Mermaid flowchart, as Markdown pages show it.",
        "CYTOSCAPE_JSON": "Elements of Cytoscape and Cytoscape.js.",
    },
)
describe(
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
describe(
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
describe(
    DependencyMode,
    "DependencyMode",
    "Whether the caller waits for the answer.",
    {
        "SYNC": "The caller waits.",
        "ASYNC": "The caller goes on: a failure of the dependency does not fail the request.",
    },
)
describe(
    DependencyCriticality,
    "DependencyCriticality",
    "What the dependency's failure does to the caller's request.",
    {
        "HARD": "The request fails (passed on with probability 1).",
        "DEGRADED": "The request fails half of the time (0.5).",
        "SOFT": "The request rarely fails (0.1).",
    },
)
describe(
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
describe(
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
describe(
    AlertStatus,
    "AlertStatus",
    "Life of an alert.",
    {
        "OPEN": "Nobody has looked at it.",
        "ACKNOWLEDGED": "Somebody has.",
        "RESOLVED": "The cycle is gone, or somebody closed the alert.",
    },
)
describe(
    NameChoice,
    "NameChoice",
    "Which service id a name is to have.",
    {
        "SHORT_ID": "The short one; the name that had it gets its full name.",
        "FULL_NAME": "Its full name, as the source has it.",
        "FORGET": "None yet: it is decided anew when it is read the next time.",
    },
)

__all__ = [
    "AlertStatus",
    "Criticality",
    "DependencyCriticality",
    "DependencyMode",
    "DiscoveryChange",
    "DiscoverySource",
    "DrawingFormat",
    "GraphDirection",
    "NameChoice",
    "ServiceOrder",
]
