"""What a service's place in the graph says of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Centrality:
    """One service at one graph version. Stale dependencies are left out of all of it.

    ``page_rank``: share of a random walk along calls, all services' add up to 1. ``betweenness``: share of all
    pairs of other services whose shortest chain of calls leads through it, in [0, 1]; ``betweenness_error``: half
    width of a 95 % interval, 0 where it was counted exactly. ``blast_radius``: services that its failure alone
    can hurt. ``community``: number of the group of services that call each other more than others, 0 the largest.
    ``single_point_of_failure``: its failure alone takes a critical service down. ``depth``: fewest calls from a
    service that nobody calls.
    """

    page_rank: float
    betweenness: float
    betweenness_error: float
    blast_radius: int
    community: int
    single_point_of_failure: bool
    depth: int
    graph_version: int
