"""Drawings of the graph as clients read them."""

from __future__ import annotations

import strawberry

from sloengine.api.topology.enums import DrawingFormat
from sloengine.infrastructure.drawings import Drawing


@strawberry.type(description="A part of the graph as text that other programs draw.")
class GraphDrawing:
    """A drawing."""

    format: DrawingFormat = strawberry.field(description="What it is written in.")
    content: str = strawberry.field(description="The text.")
    service_count: int = strawberry.field(description="Services in it.")
    dependency_count: int = strawberry.field(description="Edges in it, 2,000 at most.")
    graph_version: int = strawberry.field(description="The graph version that it shows.")
    truncated: bool = strawberry.field(description="true: something was left out; ask with less depth.")

    @classmethod
    def from_drawing(cls, drawing: Drawing) -> GraphDrawing:
        """The drawing as clients read it."""
        return cls(
            format=drawing.format,
            content=drawing.content,
            service_count=drawing.services,
            dependency_count=drawing.dependencies,
            graph_version=drawing.graph_version,
            truncated=drawing.truncated,
        )
