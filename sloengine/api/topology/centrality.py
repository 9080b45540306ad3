"""Measures of a service's place in the graph as clients read them."""

from __future__ import annotations

import strawberry

from sloengine.domain.topology import centrality as centrality_model


@strawberry.type(
    description="What a service's place in the graph says of it, worked out after the graph has changed. "
    "Dependencies that are stale are left out."
)
class Centrality:
    """Centrality."""

    page_rank: float = strawberry.field(
        description="Share of a random walk along calls, 0 to 1; all services' add up to 1."
    )
    betweenness: float = strawberry.field(
        description="Share of pairs of other services whose shortest chain of calls leads through it, 0 to 1."
    )
    betweenness_error: float | None = strawberry.field(
        description="Half width of a 95 % interval around it; 0: counted exactly, which small graphs are."
    )
    blast_radius: int = strawberry.field(
        description="Services that its failure alone can hurt: those that wait for it, directly or not. Async "
        "calls pass nothing on, nor do members of a redundancy group that can spare one."
    )
    community: int | None = strawberry.field(
        description="Number of the group of services that call each other more than others; 0 is the largest."
    )
    single_point_of_failure: bool = strawberry.field(
        description="Its failure alone takes a CRITICAL service down, along hard calls without redundancy."
    )
    depth: int = strawberry.field(description="Fewest calls from a service that nobody calls.")
    graph_version: int = strawberry.field(description="The graph version that all this is of.")

    @classmethod
    def from_domain(cls, found: centrality_model.Centrality) -> Centrality:
        """The measures as clients read them."""
        return cls(
            page_rank=found.page_rank,
            betweenness=found.betweenness,
            betweenness_error=found.betweenness_error,
            blast_radius=found.blast_radius,
            community=found.community,
            single_point_of_failure=found.single_point_of_failure,
            depth=found.depth,
            graph_version=found.graph_version,
        )
