"""Which workloads and Services of a cluster are one service, and what it is called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sloengine.infrastructure.kubernetes.objects import NetworkService, Workload
from sloengine.infrastructure.kubernetes.reading_rules import ReadingRules

_API_SERVER = ("default", "kubernetes")
"""The Service of the API server itself, in every cluster."""
_CLUSTER_SUFFIXES = (".svc.cluster.local", ".svc")


@dataclass
class ClusterService:
    """A service as a cluster has it: workloads, the network names in front of them, or only one of the two.

    ``source_name``: ``namespace/name``; what the service key states; a DNS name outside the cluster.
    """

    source_name: str
    workloads: list[Workload] = field(default_factory=list)
    network: list[NetworkService] = field(default_factory=list)
    external: bool = False

    @property
    def objects(self) -> Sequence[Workload | NetworkService]:
        """Workloads first: what they state counts before what their Services state."""
        return [*self.workloads, *self.network]


@dataclass
class Cluster:
    """All services by source name, and which of them a network name leads to.

    ``by_address``: (namespace, name of a Service or workload) → source names; more than one where a Service stands
    in front of several.
    """

    services: dict[str, ClusterService] = field(default_factory=dict)
    by_address: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def identify(workloads: Sequence[Workload], network: Sequence[NetworkService], rules: ReadingRules) -> Cluster:
    """Name everything.

    A workload is a service under the name that its keys state, within its namespace. Several workloads of one
    namespace that state the same name are one service where a Service selects them all (a canary beside the stable
    version), and otherwise each is one under its own name: charts label a web server and its background worker
    alike. Services that select nothing known are services by themselves, and one of type ExternalName is the
    address that it stands for.
    """
    cluster = Cluster()
    in_front = _in_front(workloads, network)
    names = _names(workloads, in_front, rules, cluster.warnings)
    for place, workload in enumerate(workloads):
        service = cluster.services.setdefault(names[place], ClusterService(names[place]))
        service.workloads.append(workload)
        cluster.by_address[workload.namespace, workload.name] = (names[place],)
    alone: list[str] = []
    for number, entry in enumerate(network):
        behind = sorted({names[place] for place in in_front[number]})
        if behind:
            for source_name in behind:
                if len(behind) == 1:
                    cluster.services[source_name].network.append(entry)
            cluster.by_address[entry.namespace, entry.name] = tuple(behind)
        elif entry.external_name is None and (entry.namespace, entry.name) != _API_SERVER:
            if entry.selector:
                alone.append(f"{entry.namespace}/{entry.name}")
            _add_alone(cluster, entry, rules)
    for entry in network:
        if entry.external_name is not None:
            _add_external(cluster, entry)
    if alone:
        cluster.warnings.append(
            f"{_listed(alone)}: selected by no Deployment, StatefulSet or DaemonSet that was read; taken as"
            f" {'a service' if len(alone) == 1 else 'services'} under the Service's own name."
        )
    return cluster


def local_address(host: str) -> tuple[str, str] | None:
    """(namespace, name) where a DNS name is one of the cluster's own, else None.

    >>> local_address("payment.shop.svc.cluster.local"), local_address("db.example.com")
    (('shop', 'payment'), None)
    """
    for suffix in _CLUSTER_SUFFIXES:
        if host.endswith(suffix):
            parts = host.removesuffix(suffix).split(".")
            # A pod of a StatefulSet has a name before its Service's.
            return (parts[-1], parts[-2]) if len(parts) >= 2 else None
    return None


def _in_front(workloads: Sequence[Workload], network: Sequence[NetworkService]) -> list[list[int]]:
    """Per Service the places of the workloads that it selects; looks only at those that carry its rarest label."""
    by_label: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for place, workload in enumerate(workloads):
        for key, value in workload.pod_labels.items():
            by_label[workload.namespace, key, value].append(place)
    found = []
    for entry in network:
        carriers = [by_label.get((entry.namespace, key, value), []) for key, value in entry.selector.items()]
        # What type ExternalName selects is ignored by Kubernetes too.
        rarest = [] if entry.external_name is not None else min(carriers, key=len, default=[])
        found.append([place for place in rarest if entry.selects(workloads[place])])
    return found


def _names(
    workloads: Sequence[Workload], in_front: Sequence[Sequence[int]], rules: ReadingRules, warnings: list[str]
) -> Mapping[int, str]:
    names: dict[int, str] = {}
    claimed: dict[str, list[int]] = defaultdict(list)
    for place, workload in enumerate(workloads):
        stated = workload.stated(rules.service_key)
        if stated:
            names[place] = stated
            continue
        within = next(filter(None, map(workload.stated, rules.name_keys)), workload.name)
        claimed[f"{workload.namespace}/{within}"].append(place)
    together = [frozenset(places) for places in in_front if len(places) > 1]
    for source_name, places in claimed.items():
        if len(places) == 1 or any(group.issuperset(places) for group in together):
            names.update(dict.fromkeys(places, source_name))
            continue
        own = {place: f"{workloads[place].namespace}/{workloads[place].name}" for place in places}
        names.update(own)
        warnings.append(
            f"{_listed(sorted(own.values()))} call themselves {source_name} and no Service selects them all: each"
            f" was taken under its own name. Annotate them with {rules.service_key} where they are one service."
        )
    return names


def _add_alone(cluster: Cluster, entry: NetworkService, rules: ReadingRules) -> None:
    source_name = entry.stated(rules.service_key) or f"{entry.namespace}/{entry.name}"
    cluster.services.setdefault(source_name, ClusterService(source_name)).network.append(entry)
    cluster.by_address.setdefault((entry.namespace, entry.name), (source_name,))


def _add_external(cluster: Cluster, entry: NetworkService) -> None:
    host = entry.external_name or ""
    local = local_address(host)
    if local is None:
        cluster.services.setdefault(host, ClusterService(host, external=True)).network.append(entry)
        cluster.by_address.setdefault((entry.namespace, entry.name), (host,))
    elif local in cluster.by_address:
        # Not outside at all: another name for a service of this cluster.
        cluster.by_address.setdefault((entry.namespace, entry.name), cluster.by_address[local])
    else:
        cluster.warnings.append(
            f"{entry.namespace}/{entry.name} stands for {host}, which was not found in the cluster."
        )


def _listed(names: Sequence[str], most: int = 5) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
