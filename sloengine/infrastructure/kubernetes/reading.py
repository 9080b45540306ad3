"""From objects of a cluster to services and dependencies. Pure; nothing that is not stated is invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sloengine.domain.topology.dependency import EdgeAttributes
from sloengine.domain.topology.discovered import Discovered, DiscoveredDependency, DiscoveredService, LeftOut
from sloengine.domain.topology.rows import hardest_attributes
from sloengine.domain.topology.service import Criticality
from sloengine.infrastructure.kubernetes.depends_on import Stated, read_depends_on
from sloengine.infrastructure.kubernetes.identities import Cluster, ClusterService, identify, local_address
from sloengine.infrastructure.kubernetes.objects import NetworkService, Workload
from sloengine.infrastructure.kubernetes.reading_rules import BACKSTAGE_ID, PART_OF, ReadingRules

_CRITICALITIES = {criticality.value: criticality for criticality in reversed(Criticality)}


def read_cluster(
    workloads: Sequence[Workload],
    network: Sequence[NetworkService],
    rules: ReadingRules | None = None,
    *,
    namespaces: Sequence[str] = (),
) -> Discovered:
    """All services, and the dependencies that annotations state.

    ``namespaces``: those that were read; empty: all. Who calls whom is no part of Kubernetes: without annotations
    there are services and no dependencies. ``complete`` where the whole cluster was read, else for the services
    of the namespaces that were; neither where nothing was found or an annotation could not be read: a typing
    mistake must not withdraw what was stated before.
    """
    rules = rules or ReadingRules()
    ignored = _ignored(workloads, network, rules)
    cluster = identify(
        [entry for entry in workloads if entry not in ignored],
        [entry for entry in network if entry not in ignored],
        rules,
    )
    services = [_service(service, rules, cluster.warnings) for service in cluster.services.values()]
    dependencies, outside, problems = _dependencies(cluster, rules, namespaces)
    services += [DiscoveredService(name, external=True) for name in sorted(outside)]
    warnings = [*cluster.warnings, *problems]
    if not services:
        warnings.append(
            "No Service, Deployment, StatefulSet or DaemonSet was found in the namespaces that were read."
        )
    elif not dependencies:
        warnings.append(
            f"No workload states what it calls: Kubernetes does not know. Annotate with {rules.depends_on_key},"
            " or discover calls from traces or a mesh."
        )
    return Discovered(
        services=tuple(services),
        dependencies=tuple(DiscoveredDependency(*pair, stated) for pair, stated in dependencies.items()),
        complete=bool(services) and not problems and not namespaces,
        complete_for_named=bool(services) and not problems and bool(namespaces),
        left_out=tuple(
            LeftOut(f"{entry.namespace}/{entry.name}", f"{rules.ignore_key} is true") for entry in ignored
        ),
        warnings=tuple(warnings),
    )


def _ignored(
    workloads: Sequence[Workload], network: Sequence[NetworkService], rules: ReadingRules
) -> Sequence[Workload | NetworkService]:
    """What says so of itself, and Services with nothing but ignored workloads behind them."""

    def says_so(entry: Workload | NetworkService) -> bool:
        return (entry.stated(rules.ignore_key) or "").lower() == "true"

    runs = [entry for entry in workloads if says_so(entry)]
    fronts = []
    for entry in network:
        if says_so(entry):
            fronts.append(entry)
        elif any(entry.selects(workload) for workload in runs):
            behind = [workload for workload in workloads if entry.selects(workload)]
            fronts += [entry] if all(workload in runs for workload in behind) else []
    return [*runs, *fronts]


def _dependencies(
    cluster: Cluster, rules: ReadingRules, namespaces: Sequence[str]
) -> tuple[Mapping[tuple[str, str], EdgeAttributes], frozenset[str], Sequence[str]]:
    """What annotations state: edges, names outside the cluster, and what could not be read."""
    stated: dict[tuple[str, str], EdgeAttributes] = {}
    outside: set[str] = set()
    problems: list[str] = []
    for service in cluster.services.values():
        for place, said in _statements(service, rules):
            entries, unreadable = read_depends_on(said)
            problems += [f"{rules.depends_on_key} of {place}: {problem}" for problem in unreadable]
            for entry in entries:
                try:
                    target = _target(entry, place, cluster, namespaces)
                except _Unclear as unclear:
                    problems.append(f"{rules.depends_on_key} of {place}: {unclear}")
                    continue
                if target == service.source_name:
                    continue
                pair = service.source_name, target
                known = stated.get(pair, entry.attributes)
                stated[pair] = hardest_attributes(known, entry.attributes)
                if entry.external and target not in cluster.services:
                    outside.add(target)
    return stated, frozenset(outside), problems


def _service(service: ClusterService, rules: ReadingRules, warnings: list[str]) -> DiscoveredService:
    team = _first(service, rules.team_keys)
    if team is not None and rules.teams and team not in rules.teams:
        warnings.append(
            f"{service.source_name} states the team {team[:40]!r}, which is none of those that are taken."
        )
        team = None
    return DiscoveredService(
        service.source_name,
        team=team,
        criticality=_criticality(service, rules, warnings),
        # Whether what stands behind a name of this cluster lies outside only ExternalName says.
        external=True if service.external else None,
        metadata={"kubernetes": _facts(service, rules)},
    )


def _criticality(service: ClusterService, rules: ReadingRules, warnings: list[str]) -> Criticality | None:
    """The highest that is stated, as where two rows of one ingestion differ."""
    stated: list[Criticality] = []
    for entry in service.objects:
        said = entry.stated(rules.criticality_key)
        if said is None:
            continue
        known = _CRITICALITIES.get(said.upper())
        if known is None:
            warnings.append(
                f"{rules.criticality_key} of {entry.namespace}/{entry.name} is {said[:40]!r}; it has to be one of"
                f" {', '.join(word.lower() for word in _CRITICALITIES)}. Left out."
            )
        else:
            stated.append(known)
    return max(stated, key=list(_CRITICALITIES.values()).index, default=None)


def _first(service: ClusterService, keys: Sequence[str]) -> str | None:
    """What the first key that is anywhere says."""
    return next((said for key in keys for entry in service.objects if (said := entry.stated(key))), None)


def _facts(service: ClusterService, rules: ReadingRules) -> Mapping[str, Any]:
    """What stays the same from reading to reading: no replica counts, no image tags."""
    facts: dict[str, Any] = {
        "namespaces": sorted({entry.namespace for entry in service.objects}),
        "workloads": sorted(f"{entry.kind}/{entry.name}" for entry in service.workloads),
        "services": sorted(entry.name for entry in service.network),
    }
    for name, keys in (("partOf", (PART_OF,)), ("backstageId", (BACKSTAGE_ID,)), ("owner", rules.owner_keys)):
        said = _first(service, keys)
        if said is not None:
            facts[name] = said
    return facts


def _statements(service: ClusterService, rules: ReadingRules) -> Sequence[tuple[str, str]]:
    """(where it stands, what is stated) of each object that states something."""
    return [
        (f"{entry.namespace}/{entry.name}", said)
        for entry in service.objects
        if (said := entry.stated(rules.depends_on_key))
    ]


class _Unclear(Exception):
    """An entry that names nothing, or several things."""


def _target(entry: Stated, place: str, cluster: Cluster, namespaces: Sequence[str]) -> str:
    """The source name that an entry means. Raises ``_Unclear``, with what is wrong."""
    if entry.external:
        return entry.target.lower()
    written = entry.target
    namespace, name = _address(written, place.partition("/")[0])
    meant = cluster.by_address.get((namespace, name), ())
    if len(meant) > 1:
        raise _Unclear(f"{written} leads to several services ({', '.join(meant)}): name one of them")
    by_name = f"{namespace}/{name}"
    known = [known for known in (*meant, by_name, written) if known in cluster.services]
    if known:
        return known[0]
    if namespaces and namespace not in namespaces and "/" in written:
        # A namespace that is not read: whoever wrote it knows.
        return by_name
    raise _Unclear(
        f"there is no Service or workload {name!r} in namespace {namespace!r}; write namespace/name for another"
        " namespace, and name:external for what lies outside the cluster"
    )


def _address(written: str, own_namespace: str) -> tuple[str, str]:
    """(namespace, name) of ``namespace/name``, ``name.namespace``, a cluster's DNS name or a bare name."""
    if "/" in written:
        namespace, _, name = written.partition("/")
        return namespace, name
    local = local_address(written)
    if local is not None:
        return local
    name, _, namespace = written.partition(".")
    return namespace or own_namespace, name
