"""Graphs as text that other programs draw: Graphviz DOT, Mermaid, Cytoscape JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sloengine.application.ports.service_graph import Neighbourhood
from sloengine.domain.journeys.model import Journey
from sloengine.infrastructure.drawings.cytoscape import cytoscape
from sloengine.infrastructure.drawings.dot import dot
from sloengine.infrastructure.drawings.mermaid import mermaid
from sloengine.infrastructure.drawings.part import PartOfGraph, part_of, with_journeys

MOST_EDGES = 2_000
"""More than that nobody can read, and browsers no longer draw."""


class DrawingFormat(StrEnum):
    """What the text is written in."""

    DOT = "DOT"
    MERMAID = "MERMAID"
    CYTOSCAPE_JSON = "CYTOSCAPE_JSON"


@dataclass(frozen=True, slots=True)
class Drawing:
    """The text, how much is in it, and whether something was left out."""

    format: DrawingFormat
    content: str
    services: int
    dependencies: int
    graph_version: int
    truncated: bool


_WRITERS: Mapping[DrawingFormat, Callable[[PartOfGraph], str]] = {
    DrawingFormat.DOT: dot,
    DrawingFormat.MERMAID: mermaid,
    DrawingFormat.CYTOSCAPE_JSON: cytoscape,
}


def draw(
    roots: Sequence[str],
    found: Neighbourhood,
    wanted: DrawingFormat,
    *,
    most_edges: int = MOST_EDGES,
    journeys: Sequence[Journey] = (),
) -> Drawing:
    """Draw a neighbourhood; of too many edges those nearest to the roots. Any service id is safe in it.

    ``journeys``: services and calls on their way are marked.
    """
    part, cut = part_of(roots, found, most_edges)
    part = with_journeys(part, journeys)
    return Drawing(
        wanted,
        _WRITERS[wanted](part),
        len(part.services),
        len(part.dependencies),
        found.graph_version,
        found.truncated or cut,
    )


__all__ = ["MOST_EDGES", "Drawing", "DrawingFormat", "draw"]
