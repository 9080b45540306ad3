"""Objects of a cluster, as short as a test wants them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sloengine.domain.topology.discovered import Discovered
from sloengine.infrastructure.kubernetes.objects import (
    NetworkService,
    Workload,
    read_network_service,
    read_workload,
)

NOTHING: Mapping[str, str] = {}


def workload(
    name: str,
    *,
    namespace: str = "shop",
    kind: str = "Deployment",
    labels: Mapping[str, str] = NOTHING,
    annotations: Mapping[str, str] = NOTHING,
    pod: Mapping[str, str] = NOTHING,
    pod_annotations: Mapping[str, str] = NOTHING,
) -> Workload:
    """Its pods carry ``app: name`` and what ``pod`` adds."""
    item: dict[str, Any] = {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": dict(labels),
            "annotations": dict(annotations),
        },
        "spec": {
            "template": {"metadata": {"labels": {"app": name, **pod}, "annotations": dict(pod_annotations)}},
        },
    }
    return read_workload(kind)(item)


def service(
    name: str,
    *,
    namespace: str = "shop",
    selector: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] = NOTHING,
    external: str | None = None,
) -> NetworkService:
    """Selects ``app: name`` unless told otherwise."""
    spec: dict[str, Any] = {"selector": {"app": name} if selector is None else dict(selector)}
    if external is not None:
        spec = {"type": "ExternalName", "externalName": external}
    return read_network_service(
        {"metadata": {"name": name, "namespace": namespace, "annotations": dict(annotations)}, "spec": spec}
    )


def calls(found: Discovered) -> set[tuple[str, str]]:
    return {(call.caller, call.dependency) for call in found.dependencies}


def names(found: Discovered) -> list[str]:
    return [service.source_name for service in found.services]
