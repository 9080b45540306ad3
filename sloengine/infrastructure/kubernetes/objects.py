"""The little of Kubernetes objects that discovery reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sloengine.infrastructure.kubernetes.client import Resource

SERVICES = Resource("", "v1", "services")
WORKLOADS: Mapping[str, Resource] = {
    "Deployment": Resource("apps", "v1", "deployments"),
    "StatefulSet": Resource("apps", "v1", "statefulsets"),
    "DaemonSet": Resource("apps", "v1", "daemonsets"),
}
"""By kind: objects in a list do not say their own."""
RESOURCES = (SERVICES, *WORKLOADS.values())
"""All that is ever asked for; the chart's RBAC rules name these."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What runs. ``pod_labels``, ``pod_annotations``: of the pods it makes, which selectors look at."""

    kind: str
    namespace: str
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    pod_labels: Mapping[str, str]
    pod_annotations: Mapping[str, str]

    def stated(self, key: str) -> str | None:
        """What it says under a label or annotation; its own before its pods'."""
        for said in (self.annotations, self.labels, self.pod_annotations, self.pod_labels):
            value = said.get(key, "").strip()
            if value:
                return value
        return None


@dataclass(frozen=True, slots=True)
class NetworkService:
    """A Kubernetes Service: a network name. ``external_name``: the DNS name it stands for, else None."""

    namespace: str
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    selector: Mapping[str, str]
    external_name: str | None = None

    def stated(self, key: str) -> str | None:
        """What it says under a label or annotation."""
        return self.annotations.get(key, "").strip() or self.labels.get(key, "").strip() or None

    def selects(self, workload: Workload) -> bool:
        """Whether its traffic reaches the workload's pods; an empty selector selects nothing."""
        return (
            bool(self.selector)
            and workload.namespace == self.namespace
            and self.selector.items() <= workload.pod_labels.items()
        )


def read_workload(kind: str) -> Callable[[Mapping[str, Any]], Workload]:
    """Reads items of a list of this kind."""

    def read(item: Mapping[str, Any]) -> Workload:
        metadata = item.get("metadata") or {}
        template = _mapping(_mapping(_mapping(item.get("spec")).get("template")).get("metadata"))
        return Workload(
            kind,
            str(metadata.get("namespace") or ""),
            str(metadata.get("name") or ""),
            _texts(metadata.get("labels")),
            _texts(metadata.get("annotations")),
            _texts(template.get("labels")),
            _texts(template.get("annotations")),
        )

    return read


def read_network_service(item: Mapping[str, Any]) -> NetworkService:
    """Reads an item of a list of Services."""
    metadata, spec = item.get("metadata") or {}, item.get("spec") or {}
    external = spec.get("externalName") if spec.get("type") == "ExternalName" else None
    return NetworkService(
        str(metadata.get("namespace") or ""),
        str(metadata.get("name") or ""),
        _texts(metadata.get("labels")),
        _texts(metadata.get("annotations")),
        _texts(spec.get("selector")),
        str(external).rstrip(".").lower() if external else None,
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(mapping: object) -> Mapping[str, str]:
    if not isinstance(mapping, Mapping):
        return {}
    return {str(key): value for key, value in mapping.items() if isinstance(value, str)}
