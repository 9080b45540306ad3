"""What dependencies allow, as clients read it. Ratios of the domain in percent."""

from __future__ import annotations

import strawberry

from sloengine.api.recommendation.targets import Estimate, percent
from sloengine.api.topology.references import service_link
from sloengine.domain.recommendation import model
from sloengine.domain.reliability.percent import percent_from_ratio


@strawberry.type(description="One dependency's share of the unavailability that reaches the service.")
class BoundContribution:
    """A dependency's share."""

    service_id: strawberry.Private[str]
    service = service_link("service_id", "The dependency.")
    share_percent: float = strawberry.field(
        description="Share of the composite unavailability, in percent: of the failed requests on record "
        "those that this dependency caused, traced along the calls; without a record, by how failure composes."
    )
    budget_minutes: float = strawberry.field(description="Minutes of the window that it costs.")
    one_more_nine: bool | None = strawberry.field(
        description="Does it keep to a tenth of its caller's unavailability? null: not known."
    )
    promise_gap_percent: float | None = strawberry.field(
        description="By how many percentage points its promise misses one more nine than its caller's target; "
        "null: it promises nothing."
    )

    @classmethod
    def from_domain(cls, part: model.BoundContribution) -> BoundContribution:
        """The share as clients read it."""
        return cls(
            service_id=part.service_id,
            share_percent=percent_from_ratio(part.share_ratio),
            budget_minutes=part.budget_minutes,
            one_more_nine=part.one_more_nine,
            promise_gap_percent=percent(part.promise_gap_ratio),
        )


@strawberry.type(description="All dependencies that have a share and are not among `contributions`, as one.")
class OtherContributions:
    """The rest."""

    services: int = strawberry.field(description="How many they are.")
    share_percent: float = strawberry.field(
        description="Their share of the composite unavailability together, in percent."
    )
    budget_minutes: float = strawberry.field(description="Minutes of the window that they cost together.")

    @classmethod
    def from_domain(cls, others: model.OtherContributions) -> OtherContributions:
        """The rest as clients read it."""
        return cls(
            services=others.services,
            share_percent=percent_from_ratio(others.share_ratio),
            budget_minutes=others.budget_minutes,
        )


@strawberry.type(description="A declared dependency whose failures do not reach the caller.")
class Contradiction:
    """A declaration that the data contradict."""

    caller_id: strawberry.Private[str]
    dependency_id: strawberry.Private[str]
    caller = service_link("caller_id", "Who calls.")
    dependency = service_link("dependency_id", "What is called.")
    declared_pass_through: float = strawberry.field(
        description="Share of the dependency's failures that the declaration says reach the caller, 0 to 1."
    )
    measured_pass_through: Estimate = strawberry.field(
        description="The share as measured, 0 to 1; used in the bound."
    )
    message: str = strawberry.field(description="In words.")

    @classmethod
    def from_domain(cls, found: model.Contradiction) -> Contradiction:
        """The contradiction as clients read it."""
        return cls(
            caller_id=found.caller,
            dependency_id=found.dependency,
            declared_pass_through=found.declared_pass_through,
            measured_pass_through=Estimate.from_domain(found.measured_pass_through),
            message=found.message,
        )


@strawberry.type(description="The availability that the service and its dependencies allow, in percent.")
class CompositeBound:
    """The composite bound."""

    bound: strawberry.Private[model.CompositeBound]
    observed_percent: float = strawberry.field(description="With failures together in time as they were.")
    independent_percent: float = strawberry.field(description="Had failures been independent of each other.")
    intrinsic_percent: float = strawberry.field(
        description="The service alone, failures of dependencies taken out."
    )
    promised_percent: float | None = strawberry.field(
        description="With each dependency at its active SLO or published figure: a worst case, not a probability. "
        "null: no dependency promises anything."
    )
    assumptions: list[str] = strawberry.field(description="What had to be assumed, in words.")

    more_contradictions: int = strawberry.field(
        description="How many contradicted calls there are beside `contradictions`; each is on its dependency, "
        "by `measuredPassThrough`."
    )

    @strawberry.field(
        description="Shares of the dependencies, largest first, at most 50; `otherContributions` has the rest. "
        "What these and those leave of 100 is the service's own."
    )
    def contributions(self) -> list[BoundContribution]:
        """Converted only when asked for."""
        return [BoundContribution.from_domain(part) for part in self.bound.contributions]

    @strawberry.field(
        description="Dependencies that have a share and are not listed, as one; null: all are listed."
    )
    def other_contributions(self) -> OtherContributions | None:
        """Converted only when asked for."""
        return None if self.bound.others is None else OtherContributions.from_domain(self.bound.others)

    @strawberry.field(
        description="Declared dependencies that the data contradict, at most 20: the service's own calls first of "
        "all, then those that change most; `moreContradictions` has how many more there are."
    )
    def contradictions(self) -> list[Contradiction]:
        """Converted only when asked for."""
        return [Contradiction.from_domain(found) for found in self.bound.contradictions]

    @classmethod
    def from_domain(cls, bound: model.CompositeBound) -> CompositeBound:
        """The bound as clients read it."""
        return cls(
            bound=bound,
            observed_percent=percent_from_ratio(bound.observed_ratio),
            independent_percent=percent_from_ratio(bound.independent_ratio),
            intrinsic_percent=percent_from_ratio(bound.intrinsic_ratio),
            promised_percent=percent(bound.promised_ratio),
            assumptions=list(bound.assumptions),
            more_contradictions=bound.more_contradictions,
        )
