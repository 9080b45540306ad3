"""What a recommendation says. Ratios in [0, 1]; latency thresholds in milliseconds, as clients read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sloengine.domain.recommendation.replayed import Backtest
from sloengine.domain.reliability.intervals import Interval as Interval  # noqa: PLC0414  part of this vocabulary
from sloengine.domain.reliability.window import ComplianceWindow


class SliType(StrEnum):
    """What is promised."""

    AVAILABILITY = "AVAILABILITY"
    LATENCY = "LATENCY"


class TierName(StrEnum):
    """How often the target may be missed."""

    CONSERVATIVE = "CONSERVATIVE"
    BALANCED = "BALANCED"
    AGGRESSIVE = "AGGRESSIVE"


class ObjectiveKind(StrEnum):
    """The number that is promised."""

    AVAILABILITY = "AVAILABILITY"
    LATENCY_P95 = "LATENCY_P95"
    LATENCY_P99 = "LATENCY_P99"

    @property
    def sli_type(self) -> SliType:
        """Of what it is a number."""
        return SliType.AVAILABILITY if self is ObjectiveKind.AVAILABILITY else SliType.LATENCY


class TargetLimit(StrEnum):
    """What kept a target from being tighter."""

    HISTORY = "HISTORY"
    PRIOR = "PRIOR"
    LOW_TRAFFIC = "LOW_TRAFFIC"
    DEPENDENCY_OBSERVED = "DEPENDENCY_OBSERVED"
    DEPENDENCY_PROMISE = "DEPENDENCY_PROMISE"
    ROUNDING = "ROUNDING"
    ON_RECORD = "ON_RECORD"


class UnavailableReason(StrEnum):
    """Why there is no recommendation."""

    NO_DATA = "NO_DATA"
    NOT_ENOUGH_DATA = "NOT_ENOUGH_DATA"
    BAD_TELEMETRY = "BAD_TELEMETRY"
    NO_HISTOGRAM = "NO_HISTOGRAM"
    NOT_TESTABLE = "NOT_TESTABLE"
    SOURCE_DOWN = "SOURCE_DOWN"


class RecommendationStatus(StrEnum):
    """The life of a recommendation."""

    ACTIVE = "ACTIVE"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    SUPERSEDED = "SUPERSEDED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A point value and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """What the target lets fail over the window. ``requests`` None: traffic not known."""

    minutes: float
    requests: float | None


@dataclass(frozen=True, slots=True)
class RatioObjective:
    """A latency objective as it is alerted on: share of requests at or under a bucket bound."""

    threshold_ms: float
    target_ratio: float
    resolution_error_ratio: float
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class TargetLimitedBy:
    """What kept the target from being tighter, in words; ``service_id`` names the dependency when there is one."""

    limit: TargetLimit
    message: str
    service_id: str | None = None


@dataclass(frozen=True, slots=True)
class TierTarget:
    """One published number. Exactly one of ``availability_ratio`` and ``threshold_ms`` is set.

    ``probability_met``: P(met over the next window) of this rounded number. ``interval`` in the target's unit.
    ``data_only_probability``: n/(n+1) of n past disjoint windows; above it the prior speaks.
    """

    kind: ObjectiveKind
    probability_met: float
    interval: Interval
    data_only_probability: float
    availability_ratio: float | None = None
    threshold_ms: float | None = None
    error_budget: ErrorBudget | None = None
    ratio_objective: RatioObjective | None = None
    limited_by: tuple[TargetLimitedBy, ...] = ()
    backtest: Backtest | None = None


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier and its targets: one for availability, p95 and p99 for latency.

    ``targets`` is empty where the data do not carry the tier; ``missing_reason`` then says why.
    """

    name: TierName
    nominal_probability: float
    targets: tuple[TierTarget, ...]
    missing_reason: str | None = None


@dataclass(frozen=True, slots=True)
class BoundContribution:
    """One dependency's share of the unavailability that reaches the caller.

    ``share_ratio`` in [0, 1] of the composite unavailability: of the failed requests on record, those that it
    caused, else by how failure composes; ``budget_minutes`` over the window.
    ``one_more_nine``: does it keep a tenth of its caller's unavailability; None: not known.
    ``promise_gap_ratio``: by how much its promise misses one more nine than its caller's target.
    """

    service_id: str
    share_ratio: float
    budget_minutes: float
    one_more_nine: bool | None = None
    promise_gap_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class OtherContributions:
    """All dependencies that have a share and are not listed by name: how many, and what they add up to.

    ``share_ratio`` in [0, 1] and ``budget_minutes`` as in ``BoundContribution``.
    """

    services: int
    share_ratio: float
    budget_minutes: float


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A declared dependency whose failures do not reach the caller."""

    caller: str
    dependency: str
    declared_pass_through: float
    measured_pass_through: Estimate
    message: str


@dataclass(frozen=True, slots=True)
class CompositeBound:
    """The availability that dependencies allow. All in [0, 1].

    ``observed_ratio``: with failures joint as they were; ``independent_ratio``: had they been independent;
    ``intrinsic_ratio``: the service alone; ``promised_ratio``: dependencies at their promise, a worst case.
    ``contributions``: the largest; ``others``: all the rest as one, None: there is none. What is neither in these
    nor in those is the service's own. ``contradictions``: the service's own calls first of all, then those that
    change most; ``more_contradictions``: how many there are beside them.
    """

    observed_ratio: float
    independent_ratio: float
    intrinsic_ratio: float
    promised_ratio: float | None
    contributions: tuple[BoundContribution, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    assumptions: tuple[str, ...] = ()
    others: OtherContributions | None = None
    more_contradictions: int = 0


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the numbers come from, enough to compute them again."""

    from_at: datetime
    to_at: datetime
    queries: tuple[str, ...]
    graph_version: int | None
    seed: str
    inputs_digest: str


@dataclass(frozen=True, slots=True)
class DataQuality:
    """What the recommendation had to go on.

    ``days_of_history``: days that were seen; ``completeness``: share in [0, 1] of the time since the first data
    that was seen; ``sample_count``: valid requests; ``archetype_weight`` in [0, 1].
    """

    days_of_history: float
    completeness: float
    sample_count: float
    cold_start: bool
    archetype: str | None = None
    archetype_weight: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attribution:
    """What one feature group adds to the target, over the reference; in the explanation's unit.

    ``service_id``: the dependency that the group stands for.
    """

    feature: str
    contribution: float
    service_id: str | None = None


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """The engine run again on a changed world.

    ``change``: in words; ``before`` and ``after``: the changed quantity, in the unit that ``change`` names.
    ``resulting_target``: in the explanation's unit. ``feasible``: whether the change gets where it was to go.
    """

    change: str
    resulting_target: float
    feasible: bool
    service_id: str | None = None
    before: float | None = None
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one tier's target is what it is.

    ``unit``: of all its numbers. ``target_value``: as published; ``reference_value``: what the engine gives to
    ``reference``. The attributions sum to the one less the other; all but "rounding" are Shapley values and sum to
    ``unrounded_value`` less the reference. ``summary``: the facts in sentences.
    """

    tier: TierName
    kind: ObjectiveKind
    unit: str
    reference: str
    reference_value: float
    unrounded_value: float
    target_value: float
    attributions: tuple[Attribution, ...]
    counterfactuals: tuple[Counterfactual, ...]
    summary: str


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Three tiers for one service and SLI, and what they rest on.

    ``recommendation_id`` None: computed from files, stored nowhere.
    """

    service_id: str
    sli_type: SliType
    window: ComplianceWindow
    tiers: tuple[Tier, ...]
    data_quality: DataQuality
    confidence: float
    summary: str
    engine_version: str
    generated_at: datetime
    expires_at: datetime
    provenance: Provenance
    bound: CompositeBound | None = None
    recommendation_id: str | None = None
    status: RecommendationStatus = RecommendationStatus.ACTIVE
    is_stale: bool = False
    graph_version: int | None = None
    review_at: datetime | None = None
    explanation: Explanation | None = None

    def tier(self, name: TierName) -> Tier:
        """The tier of this name."""
        return next(tier for tier in self.tiers if tier.name is name)


@dataclass(frozen=True, slots=True)
class RecommendationUnavailable:
    """Why there is no recommendation for this service and SLI, in words that say what to do."""

    service_id: str
    sli_type: SliType
    reason: UnavailableReason
    message: str
    since: datetime | None = None


type RecommendationResult = Recommendation | RecommendationUnavailable
