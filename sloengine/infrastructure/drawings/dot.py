"""Graphviz DOT. Grammar: graphviz.org/doc/info/lang.html; labels: graphviz.org/docs/attr-types/escString."""

from __future__ import annotations

from collections.abc import Sequence

from sloengine.domain.topology.service import Criticality, Service
from sloengine.infrastructure.drawings.part import JOURNEY, PartOfGraph, is_weak, kind_of, words_of

_FILL = {
    Criticality.CRITICAL: "#f8c9c4",
    Criticality.HIGH: "#fbe3bf",
    Criticality.MEDIUM: "#dcebf7",
    Criticality.LOW: "#eeeeee",
}


def dot(part: PartOfGraph) -> str:
    """The graph, callers on the left; cycles in boxes; steps of journeys in one colour, their entries doubled."""
    lines = [
        "digraph sloengine {",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fillcolor="#ffffff", fontname="sans-serif"];',
        '  edge [fontname="sans-serif", fontsize=10];',
    ]
    lines += [f"  n{number} [{_node(service, part)}];" for number, service in enumerate(part.services)]
    for number, node in enumerate(part.supernodes):
        members = " ".join(f"n{part.number[one]};" for one in node.members if one in part.number)
        lines.append(f'  subgraph cluster_{number} {{ label="cycle"; color="#b8860b"; {members} }}')
    for edge in part.dependencies:
        style = "dashed" if kind_of(edge) == "async" else "dotted" if is_weak(edge) else "solid"
        attributes = [f"style={style}", f"label={_quoted(words_of(edge))}"]
        if edge.is_stale:
            attributes.append('color="#aaaaaa"')
        elif edge.pair in part.taken_by:
            attributes += [f'color="{JOURNEY}"', "penwidth=2.5", _tooltip(part.taken_by[edge.pair])]
        lines.append(
            f"  n{part.number[edge.caller]} -> n{part.number[edge.dependency]} [{', '.join(attributes)}];"
        )
    return "\n".join([*lines, "}", ""])


def _node(service: Service, part: PartOfGraph) -> str:
    attributes = [f"label={_quoted(service.service_id)}"]
    if service.criticality is not None:
        attributes.append(f'fillcolor="{_FILL[service.criticality]}"')
    if service.external:
        attributes.append("shape=ellipse")
    if service.service_id in part.roots:
        attributes.append("penwidth=2.5")
    if service.service_id in part.passed_by:
        attributes += [f'color="{JOURNEY}"', _tooltip(part.passed_by[service.service_id])]
    if service.service_id in part.entries:
        attributes.append("peripheries=2")
    return ", ".join(attributes)


def _tooltip(journeys: Sequence[str]) -> str:
    return f"tooltip={_quoted('journeys: ' + ', '.join(journeys))}"


def _quoted(text: str) -> str:
    """A label that shows the text as it is: backslashes and quotes escaped, line ends as escapes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r").replace("\n", "\\n")
    return f'"{escaped}"'
