"""Mermaid flowcharts. Entity codes in labels: mermaid.js.org/syntax/flowchart.html, "Entity codes to escape"."""

from __future__ import annotations

from sloengine.domain.topology.service import Service
from sloengine.infrastructure.drawings.part import JOURNEY, PartOfGraph, is_weak, words_of

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._/,")


def mermaid(part: PartOfGraph) -> str:
    """The graph, callers on the left; cycles in boxes; steps of journeys in one colour, their entries thicker."""
    lines = ["flowchart LR"]
    inside = {member for node in part.supernodes for member in node.members}
    lines += [f"  {_node(one, part)}" for one in part.services if one.service_id not in inside]
    by_id = {one.service_id: one for one in part.services}
    for number, node in enumerate(part.supernodes):
        lines.append(f'  subgraph c{number}["cycle"]')
        lines += [f"    {_node(by_id[one], part)}" for one in node.members if one in by_id]
        lines.append("  end")
    stale: list[str] = []
    taken: list[str] = []
    for position, edge in enumerate(part.dependencies):
        arrow, words = "-.->" if is_weak(edge) else "-->", words_of(edge)
        label = f'|"{_escaped(words)}"|' if words else ""
        lines.append(f"  n{part.number[edge.caller]} {arrow}{label} n{part.number[edge.dependency]}")
        if edge.is_stale:
            stale.append(str(position))
        elif edge.pair in part.taken_by:
            taken.append(str(position))
    lines += [
        "  classDef critical fill:#f8c9c4,stroke:#333333",
        "  classDef high fill:#fbe3bf,stroke:#333333",
        "  classDef medium fill:#dcebf7,stroke:#333333",
        "  classDef low fill:#eeeeee,stroke:#333333",
        "  classDef root stroke-width:3px",
    ]
    if part.passed_by:
        lines += [
            f"  classDef journey stroke:{JOURNEY},stroke-width:2px",
            f"  classDef entry stroke:{JOURNEY},stroke-width:4px",
        ]
    lines += [
        f"  class n{part.number[one.service_id]} {one.criticality.lower()}"
        for one in part.services
        if one.criticality is not None
    ]
    lines += [f"  class n{part.number[root]} root" for root in sorted(part.roots) if root in part.number]
    lines += [f"  class n{part.number[one]} journey" for one in sorted(part.passed_by)]
    lines += [f"  class n{part.number[one]} entry" for one in sorted(part.entries)]
    if taken:
        lines.append(f"  linkStyle {','.join(taken)} stroke:{JOURNEY},stroke-width:3px")
    if stale:
        lines.append(f"  linkStyle {','.join(stale)} stroke:#aaaaaa")
    return "\n".join([*lines, ""])


def _node(service: Service, part: PartOfGraph) -> str:
    opened, closed = ('(["', '"])') if service.external else ('["', '"]')
    return f"n{part.number[service.service_id]}{opened}{_escaped(service.service_id)}{closed}"


def _escaped(text: str) -> str:
    """Every character that could mean something to Mermaid, Markdown or HTML as its code."""
    return "".join(one if one in _PLAIN else f"#{ord(one)};" for one in text)
