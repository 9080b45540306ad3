"""Which labels and annotations are read, and what for: every choice is a setting."""

from __future__ import annotations

from dataclasses import dataclass

OTEL_SERVICE_NAME = "resource.opentelemetry.io/service.name"
"""The pod annotation that OpenTelemetry's operator takes a service's name from, before anything else.
Source: open-telemetry/semantic-conventions, docs/non-normative/k8s-attributes.md."""
PART_OF = "app.kubernetes.io/part-of"
BACKSTAGE_ID = "backstage.io/kubernetes-id"


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """Keys are looked up among annotations, then labels, of the workload, its pods, then its Services.

    ``service_key``: states the service id outright. ``name_keys``: name the service within its namespace, the
    first that is there; without one the workload's own name. ``team_keys``: the first that is there is the team;
    empty: no team, because whoever may label a workload would choose who decides on its SLOs. ``teams``: no
    others are taken; empty: any. ``owner_keys``: the first that is there is kept as metadata.
    ``depends_on_key``: see ``depends_on``. ``ignore_key``: "true" leaves the object out.
    ``excluded_namespaces``: not read where no namespaces are named.
    """

    service_key: str = "sloengine.dev/service"
    name_keys: tuple[str, ...] = (OTEL_SERVICE_NAME, "app.kubernetes.io/name")
    team_keys: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    owner_keys: tuple[str, ...] = ("sloengine.dev/team", "team", "owner")
    criticality_key: str = "sloengine.dev/criticality"
    depends_on_key: str = "sloengine.dev/depends-on"
    ignore_key: str = "sloengine.dev/ignore"
    excluded_namespaces: tuple[str, ...] = ("kube-system", "kube-public", "kube-node-lease")
