"""Strongly connected components, so that every later step runs on a graph without cycles."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from sloengine.domain.topology.cycles import shortest_cycle
from sloengine.domain.topology.graph import Supernode


@dataclass(frozen=True, slots=True)
class Condensation:
    """Supernodes, and the edges between components.

    ``edges`` go from component id to component id, sorted, without loops; a service that is in no cycle stands
    for itself under its own id.
    """

    supernodes: tuple[Supernode, ...]
    edges: tuple[tuple[str, str], ...]


def condense(
    service_ids: Sequence[str], pairs: Sequence[tuple[str, str]], previous: Sequence[Supernode] = ()
) -> Condensation:
    """Condense the graph of these services and (caller, dependency) pairs.

    Leave stale dependencies out of ``pairs``, so that a cycle nobody sees any more is gone. A supernode keeps the
    id of the ``previous`` one that it shares most members with; each id is kept once. Cycle paths are shortest,
    within the limits of :func:`shortest_cycle`. Linear in services and edges, save for the cycle search.
    """
    ordered = sorted(set(service_ids))
    index = {service_id: position for position, service_id in enumerate(ordered)}
    ends = np.array(
        [(index[caller], index[dependency]) for caller, dependency in pairs if caller != dependency], np.int64
    ).reshape(-1, 2)
    size = len(ordered)
    labels = strong_components(size, ends[:, 0], ends[:, 1])
    members, cycles = _cyclic(labels, ends, ordered)
    ids = _stable_ids(members, previous)
    supernodes = sorted(
        (
            Supernode(supernode_id, group, path)
            for supernode_id, group, path in zip(ids, members, cycles, strict=True)
        ),
        key=lambda node: node.supernode_id,
    )
    component = list(ordered)
    for node in supernodes:
        for member in node.members:
            component[index[member]] = node.supernode_id
    edges = _between(component, ends[labels[ends[:, 0]] != labels[ends[:, 1]]])
    return Condensation(tuple(supernodes), edges)


def _between(component: Sequence[str], ends: npt.NDArray[np.int64]) -> tuple[tuple[str, str], ...]:
    """Edges between components, each once, sorted; ``component``: id of the one that each service is in.

    Sorted as numbers: a hundred thousand pairs of texts, compared one by one from all over the memory, take longer
    than all the rest.
    """
    names = sorted(set(component))
    rank = {name: place for place, name in enumerate(names)}
    place = np.fromiter((rank[name] for name in component), np.int64, len(component))
    codes = np.unique(place[ends[:, 0]] * len(names) + place[ends[:, 1]])
    callers, dependencies = (part.tolist() for part in np.divmod(codes, max(1, len(names))))
    return tuple((names[caller], names[called]) for caller, called in zip(callers, dependencies, strict=True))


def strong_components(
    size: int, callers: npt.NDArray[np.int64], dependencies: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Label of each node's strongly connected component; shape (size,)."""
    graph = csr_array((np.ones(len(callers), np.int8), (callers, dependencies)), shape=(size, size))
    return np.asarray(
        connected_components(graph, directed=True, connection="strong")[1] if size else [], dtype=np.int64
    )


def _cyclic(
    labels: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], ordered: Sequence[str]
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Members and a shortest cycle of each component of two or more."""
    members: list[tuple[str, ...]] = []
    paths: list[tuple[str, ...]] = []
    if not len(ends):
        return members, paths
    inner = ends[labels[ends[:, 0]] == labels[ends[:, 1]]]
    by_label = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[by_label], np.arange(labels.max() + 2))
    inner = inner[np.argsort(labels[inner[:, 0]], kind="stable")]
    inner_labels = labels[inner[:, 0]]
    for label in np.unique(inner_labels):
        nodes = by_label[bounds[label] : bounds[label + 1]]  # ascending, as the sort is stable
        first, last = np.searchsorted(inner_labels, [label, label + 1])
        local = np.searchsorted(nodes, inner[first:last])
        adjacency = csr_array(
            (np.ones(len(local), np.int32), (local[:, 0], local[:, 1])), shape=(len(nodes), len(nodes))
        )
        adjacency.sum_duplicates()
        names = [ordered[node] for node in nodes]
        members.append(tuple(names))
        paths.append(tuple(names[node] for node in shortest_cycle(adjacency)))
    return members, paths


def _stable_ids(members: Sequence[tuple[str, ...]], previous: Sequence[Supernode]) -> list[str]:
    """An id for each component: that of the previous one it overlaps most, else one derived from its members.

    Of parts of one cycle that are equally large, the one whose members come first by id keeps it.
    """
    home = {member: node.supernode_id for node in previous for member in node.members}
    overlaps = [
        (-count, old, names, group)
        for group, names in enumerate(members)
        for old, count in Counter(home[name] for name in names if name in home).items()
    ]
    ids: dict[int, str] = {}
    taken: set[str] = set()
    for _, old, _, group in sorted(overlaps):
        if group not in ids and old not in taken:
            ids[group] = old
            taken.add(old)
    for group, names in sorted(enumerate(members), key=lambda numbered: numbered[1]):
        salt = 0
        while group not in ids:
            digest = hashlib.sha256("\x00".join([*names, *[str(salt)] * (salt > 0)]).encode()).hexdigest()
            candidate = f"supernode-{digest[:16]}"
            if candidate not in taken:
                ids[group] = candidate
                taken.add(candidate)
            salt += 1
    return [ids[group] for group in range(len(members))]
