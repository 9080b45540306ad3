"""Why the numbers are what they are, and what they rest on."""

from __future__ import annotations

from datetime import datetime

import strawberry

from sloengine.api.topology.references import service_link
from sloengine.domain.recommendation import model


@strawberry.type(description="What one feature group adds to the target over the reference.")
class Attribution:
    """A Shapley value."""

    feature: str = strawberry.field(description="The feature group.")
    service_id: strawberry.Private[str | None]
    service = service_link("service_id", "The dependency that the group stands for; null: none.", nullable=True)
    contribution: float = strawberry.field(
        description="In the explanation's unit; negative pulls the target down."
    )


@strawberry.type(description="What would have to change, and what target that would give.")
class Counterfactual:
    """The engine run again on a changed world."""

    change: str = strawberry.field(description="The change, in words.")
    service_id: strawberry.Private[str | None]
    service = service_link("service_id", "The service that changes; null: none in particular.", nullable=True)
    before: float | None = strawberry.field(description="The changed quantity as it is.")
    after: float | None = strawberry.field(description="The changed quantity as it would be.")
    resulting_target: float = strawberry.field(description="In the explanation's unit.")
    feasible: bool = strawberry.field(description="Has anybody comparable done it?")


@strawberry.type(description="Where the numbers come from, enough to compute them again.")
class Provenance:
    """Inputs of a computation."""

    from_at: datetime = strawberry.field(name="from", description="Start of the data, included.")
    to_at: datetime = strawberry.field(name="to", description="End of the data, excluded.")
    queries: list[str] = strawberry.field(description="Telemetry queries that were asked.")
    graph_version: int | None = strawberry.field(description="Version of the graph; null: no stored graph.")
    seed: str = strawberry.field(description="Seed of all random draws, derived from the inputs.")
    inputs_digest: str = strawberry.field(
        description="Digest of all inputs: the same digest gives the same numbers."
    )

    @classmethod
    def from_domain(cls, provenance: model.Provenance) -> Provenance:
        """The provenance as clients read it."""
        return cls(
            from_at=provenance.from_at,
            to_at=provenance.to_at,
            queries=list(provenance.queries),
            graph_version=provenance.graph_version,
            seed=provenance.seed,
            inputs_digest=provenance.inputs_digest,
        )


@strawberry.type(description="Why the balanced target is what it is: Shapley values of the function that made it.")
class Explanation:
    """An explanation."""

    unit: str = strawberry.field(description="Unit of all its numbers.")
    reference_value: float = strawberry.field(description="The target of the archetype that it is compared with.")
    attributions: list[Attribution] = strawberry.field(description="They sum to target − reference.")
    counterfactuals: list[Counterfactual] = strawberry.field(
        description="What one more nine takes, and one less buys."
    )
    provenance: Provenance = strawberry.field(description="What it rests on.")
