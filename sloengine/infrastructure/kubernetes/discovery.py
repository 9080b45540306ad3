"""``DependencyDiscovery`` over the Kubernetes API."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sloengine.domain.errors import Unavailable
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.discovered import Discovered
from sloengine.infrastructure.kubernetes.client import KubernetesClient, ListRefused, Resource
from sloengine.infrastructure.kubernetes.objects import (
    SERVICES,
    WORKLOADS,
    NetworkService,
    Workload,
    read_network_service,
    read_workload,
)
from sloengine.infrastructure.kubernetes.reading import read_cluster
from sloengine.infrastructure.kubernetes.reading_rules import ReadingRules

_USER = re.compile(r'User "([^"]+)"')


@dataclass
class KubernetesDiscovery:
    """Lists what runs. ``namespaces`` empty: the whole cluster but the namespaces that the rules exclude.

    Four lists per namespace, or for the whole cluster, in pages.
    """

    client: KubernetesClient
    namespaces: Sequence[str] = ()
    rules: ReadingRules = field(default_factory=ReadingRules)

    @property
    def source(self) -> DiscoverySource:
        """Claims of Kubernetes."""
        return DiscoverySource.K8S

    @property
    def name(self) -> str:
        """For the command line."""
        return "k8s"

    async def discover(self, since: datetime, until: datetime) -> Discovered:
        """What is listed now: lists have no past, so the range does not matter.

        Raises: Unavailable, when the API server does not answer, or refuses: then with every permission that is
        missing and the RBAC rule that grants them.
        """
        workloads: list[Workload] = []
        network: list[NetworkService] = []
        refused: list[ListRefused] = []
        queries: list[str] = []
        for namespace in self.namespaces or (None,):
            network += await self._listed(SERVICES, namespace, read_network_service, refused, queries)
            for kind, resource in WORKLOADS.items():
                workloads += await self._listed(resource, namespace, read_workload(kind), refused, queries)
        if refused:
            raise Unavailable(self._missing(refused))
        if not self.namespaces:
            workloads = [entry for entry in workloads if entry.namespace not in self.rules.excluded_namespaces]
            network = [entry for entry in network if entry.namespace not in self.rules.excluded_namespaces]
        found = read_cluster(workloads, network, self.rules, namespaces=self.namespaces)
        return replace(found, queries=tuple(queries))

    async def _listed[T](
        self,
        resource: Resource,
        namespace: str | None,
        read: Callable[[Mapping[str, Any]], T],
        refused: list[ListRefused],
        queries: list[str],
    ) -> list[T]:
        queries.append(f"GET {resource.path(namespace)}?limit={self.client.page_size}")
        try:
            return await self.client.list_all(resource, namespace, read)
        except ListRefused as refusal:
            refused.append(refusal)
            return []

    def _missing(self, refused: Sequence[ListRefused]) -> str:
        """Everything that is missing at once, so that it is granted at once."""
        found = _USER.search(refused[0].message)
        who = found.group(1) if found else "the token's user"
        groups: dict[str, list[str]] = {}
        for refusal in refused:
            plurals = groups.setdefault(refusal.resource.group, [])
            if refusal.resource.plural not in plurals:
                plurals.append(refusal.resource.plural)
        rules = "\n".join(
            f'- {{apiGroups: ["{group}"], resources: [{", ".join(plurals)}], verbs: [list]}}'
            for group, plurals in groups.items()
        )
        places = sorted({refusal.namespace for refusal in refused if refusal.namespace is not None})
        kind = f"a Role in {', '.join(places)}" if places else "a ClusterRole"
        plurals_of_all = ", ".join(plural for plurals in groups.values() for plural in plurals)
        return (
            f"{self.client.whom} forbids {who} to list {plurals_of_all}. Bind {who} to {kind} with\n{rules}\n"
            "(the chart's kubernetes.discovery does), or name fewer namespaces in SLOENGINE_KUBERNETES_NAMESPACES."
        )
