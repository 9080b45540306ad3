"""Why the numbers are what they are, and what they rest on."""

from __future__ import annotations

from datetime import datetime

import strawberry

from sloengine.api.enums import ObjectiveKind
from sloengine.api.recommendation.enums import TierName
from sloengine.api.topology.references import service_link
from sloengine.domain.recommendation import model


@strawberry.type(description="What one feature group adds to the target over the reference.")
class Attribution:
    """A Shapley value."""

    feature: str = strawberry.field(description="The feature group.")
    service_id: strawberry.Private[str | None]
    service = service_link("service_id", "The dependency that the group stands for; null: none.", nullable=True)
    contribution: float = strawberry.field(
        description="In the explanation's unit (of percent: percentage points); negative makes it smaller."
    )

    @classmethod
    def from_domain(cls, part: model.Attribution) -> Attribution:
        """The contribution as clients read it."""
        return cls(feature=part.feature, service_id=part.service_id, contribution=part.contribution)


@strawberry.type(description="What would have to change, and what target that would give.")
class Counterfactual:
    """The engine run again on a changed world."""

    change: str = strawberry.field(description="The change, in words.")
    service_id: strawberry.Private[str | None]
    service = service_link("service_id", "The service that changes; null: none in particular.", nullable=True)
    before: float | None = strawberry.field(description="The changed quantity as it is.")
    after: float | None = strawberry.field(description="The changed quantity as it would be.")
    resulting_target: float = strawberry.field(description="In the explanation's unit.")
    feasible: bool = strawberry.field(
        description="Whether the change gets where it was to go: one more nine, or one nine less."
    )

    @classmethod
    def from_domain(cls, found: model.Counterfactual) -> Counterfactual:
        """The counterfactual as clients read it."""
        return cls(
            change=found.change,
            service_id=found.service_id,
            before=found.before,
            after=found.after,
            resulting_target=found.resulting_target,
            feasible=found.feasible,
        )


@strawberry.type(description="Where the numbers come from, enough to compute them again.")
class Provenance:
    """Inputs of a computation."""

    from_at: datetime = strawberry.field(name="from", description="Start of the data, included.")
    to_at: datetime = strawberry.field(name="to", description="End of the data, excluded.")
    queries: list[str] = strawberry.field(description="Telemetry queries that were asked.")
    graph_version: int | None = strawberry.field(description="Version of the graph; null: no stored graph.")
    engine_version: str = strawberry.field(description="Version of the engine that computed them.")
    seed: str = strawberry.field(description="Seed of all random draws, derived from what was asked.")
    inputs_digest: str = strawberry.field(
        description="Digest of all inputs: the same digest gives the same numbers."
    )

    @classmethod
    def from_domain(cls, provenance: model.Provenance, engine_version: str) -> Provenance:
        """The provenance as clients read it."""
        return cls(
            engine_version=engine_version,
            from_at=provenance.from_at,
            to_at=provenance.to_at,
            queries=list(provenance.queries),
            graph_version=provenance.graph_version,
            seed=provenance.seed,
            inputs_digest=provenance.inputs_digest,
        )


@strawberry.type(
    description="Why one tier's target is what it is: Shapley values of the function that made it, on the inputs "
    "and random numbers that made it. Computed and stored with the recommendation."
)
class Explanation:
    """An explanation."""

    tier: TierName = strawberry.field(description="The tier explained: BALANCED where it has a target.")
    kind: ObjectiveKind = strawberry.field(description="The number explained.")
    unit: str = strawberry.field(
        description="Unit of all its numbers: percent (contributions in percentage points) or ms."
    )
    reference: str = strawberry.field(description="What the service is compared with, in words.")
    reference_value: float = strawberry.field(description="The target that the engine gives to the reference.")
    unrounded_value: float = strawberry.field(description="The target before it is rounded.")
    target_value: float = strawberry.field(description="The target as published.")
    attributions: list[Attribution] = strawberry.field(
        description="They sum to target − reference. All but `rounding` are Shapley values of feature groups."
    )
    counterfactuals: list[Counterfactual] = strawberry.field(
        description="What one more nine takes, and one less buys."
    )
    summary: str = strawberry.field(description="The same in plain sentences; every number in them is above.")
    provenance: Provenance = strawberry.field(description="What it rests on.")

    @classmethod
    def from_domain(cls, explanation: model.Explanation, provenance: Provenance) -> Explanation:
        """The explanation as clients read it."""
        return cls(
            tier=explanation.tier,
            kind=explanation.kind,
            unit=explanation.unit,
            reference=explanation.reference,
            reference_value=explanation.reference_value,
            unrounded_value=explanation.unrounded_value,
            target_value=explanation.target_value,
            attributions=[Attribution.from_domain(part) for part in explanation.attributions],
            counterfactuals=[Counterfactual.from_domain(found) for found in explanation.counterfactuals],
            summary=explanation.summary,
            provenance=provenance,
        )
