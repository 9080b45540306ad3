"""A neighbourhood as a tree in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text
from rich.tree import Tree

from sloengine.application.ports.service_graph import Neighbourhood
from sloengine.domain.recommendation.model import Estimate
from sloengine.domain.topology.dependency import Dependency, DependencyCriticality, DependencyMode
from sloengine.domain.topology.service import Criticality, Service

_COLOURS = {
    Criticality.CRITICAL: "bold red",
    Criticality.HIGH: "yellow",
    Criticality.MEDIUM: "cyan",
    Criticality.LOW: "dim",
}
LEGEND = "critical red, high yellow, medium cyan, low dim; hard calls plain, soft and degraded green, async blue"
_NARROWEST = 20


def graph_tree(
    root: str,
    found: Neighbourhood,
    depth: int,
    *,
    towards_callers: bool,
    width: int,
    measured: Mapping[tuple[str, str], Estimate] | None = None,
) -> Tree:
    """Each service is unfolded once, where it is met first; a service on its own path ends it as a cycle.

    ``width``: columns; what is longer is cut at its end. ``measured``: pass-through by edge. Ids are shown as they
    are, whatever they look like.
    """
    links: dict[str, list[tuple[str, Dependency]]] = {}
    for edge in found.dependencies:
        here, there = (edge.dependency, edge.caller) if towards_callers else (edge.caller, edge.dependency)
        links.setdefault(here, []).append((there, edge))
    drawing = _Drawing(
        links={here: sorted(edges, key=lambda pair: pair[0]) for here, edges in links.items()},
        services={service.service_id: service for service in found.services},
        in_cycle={member for node in found.supernodes for member in node.members},
        width=width,
        measured=measured or {},
    )
    tree = Tree(drawing.named(root, 0), highlight=False)
    drawing.grow(tree, root, depth, (root,))
    return tree


class _Drawing:
    def __init__(
        self,
        links: dict[str, list[tuple[str, Dependency]]],
        services: dict[str, Service],
        in_cycle: set[str],
        width: int,
        measured: Mapping[tuple[str, str], Estimate],
    ) -> None:
        self._links = links
        self._services = services
        self._in_cycle = in_cycle
        self._width = width
        self._measured = measured
        self._drawn: set[str] = set()

    def named(self, service_id: str, level: int, edge: Dependency | None = None, remark: str = "") -> Text:
        """One line, cut to the width that the branches leave."""
        service = self._services.get(service_id)
        colour = "" if service is None or service.criticality is None else _COLOURS[service.criticality]
        text = Text(_printable(service_id), style="bold" if edge is None and not colour else colour, end="")
        if service is not None and service.external:
            text.append(" (external)", style="dim")
        if edge is not None:
            words, style = _about(edge, self._measured.get(edge.pair))
            text.append(f" {words}", style=style)
        if service_id in self._in_cycle:
            text.append(" ○ in a cycle", style="yellow")
        if remark:
            text.append(f" {remark}", style="yellow" if remark.startswith("↺") else "dim")
        # A branch takes four columns.
        text.truncate(max(_NARROWEST, self._width - 4 * level), overflow="ellipsis")
        text.no_wrap = True
        return text

    def grow(self, branch: Tree, here: str, depth: int, path: Sequence[str]) -> None:
        """What lies behind ``here``, as deep as asked."""
        if depth == 0:
            return
        for there, edge in self._links.get(here, []):
            level = len(path)
            if there in path:
                branch.add(self.named(there, level, edge, "↺ back to the path above"))
                continue
            repeated = there in self._drawn and there in self._links
            child = branch.add(self.named(there, level, edge, "… shown above" if repeated else ""))
            if not repeated:
                self._drawn.add(there)
                self.grow(child, there, depth - 1, (*path, there))


def _about(edge: Dependency, measured: Estimate | None) -> tuple[str, str]:
    if edge.mode is DependencyMode.ASYNC:
        words, style = ["async"], "blue"
    else:
        words = [edge.criticality.lower()]
        style = "dim" if edge.criticality is DependencyCriticality.HARD else "green"
    if edge.redundancy_group:
        words.append(f"{edge.required or 1} of {_printable(edge.redundancy_group)}")
    if edge.call_weight is not None:
        words.append(f"×{edge.call_weight:.3g}")
    if measured is not None:
        words.append(f"passes on {measured.value:.0%}")
    if edge.is_stale:
        words.append("stale")
        style = "dim strike"
    return ", ".join(words), style


def _printable(text: str) -> str:
    """Control characters as escapes, so that no name moves the cursor."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
