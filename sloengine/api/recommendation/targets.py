"""Tiers and their targets as clients read them. Availability in percent, latency in milliseconds."""

from __future__ import annotations

from datetime import datetime

import strawberry

from sloengine.api.enums import ObjectiveKind
from sloengine.api.recommendation.enums import TargetLimit, TierName
from sloengine.api.topology.references import service_link
from sloengine.domain.recommendation import model, replayed
from sloengine.domain.reliability.percent import percent_from_ratio


def percent(ratio: float | None) -> float | None:
    """The ratio in percent; None stays None."""
    return None if ratio is None else percent_from_ratio(ratio)


@strawberry.type(description="An interval that covers the truth with probability `level`.")
class Interval:
    """In the unit of what it belongs to."""

    low: float = strawberry.field(description="Lower end, in the unit of the target.")
    high: float = strawberry.field(description="Upper end, in the unit of the target.")
    level: float = strawberry.field(description="Probability, 0 to 1; usually 0.95.")


@strawberry.type(description="A point value and its 95 % interval.")
class Estimate:
    """A measured number."""

    value: float = strawberry.field(description="Best single value.")
    low: float = strawberry.field(description="Lower end of the 95 % interval.")
    high: float = strawberry.field(description="Upper end of the 95 % interval.")

    @classmethod
    def from_domain(cls, estimate: model.Estimate) -> Estimate:
        """The estimate as clients read it."""
        return cls(value=estimate.value, low=estimate.low, high=estimate.high)


@strawberry.type(description="What the target lets fail over the window.")
class ErrorBudget:
    """The budget."""

    minutes: float = strawberry.field(
        description="Minutes of full outage that the window bears; of latency: in which every request is too slow."
    )
    requests: float | None = strawberry.field(
        description="Failed requests that it bears, of latency slow ones; null: traffic not known."
    )


@strawberry.type(
    description="The latency objective as it is alerted on: share of requests at or under a bucket bound."
)
class RatioObjective:
    """A latency objective as a ratio."""

    threshold_ms: float = strawberry.field(description="A bucket bound, in milliseconds.")
    target_percent: float = strawberry.field(description="Share of requests at or under it, in percent.")
    resolution_error_percent: float = strawberry.field(
        description="How far the bucket bound may be off the percentile's threshold, in percent of it."
    )
    warning: str | None = strawberry.field(description="Set when the bucket layout cannot carry the target.")


@strawberry.type(description="What kept a target from being tighter.")
class TargetLimitedBy:
    """A limit, in words."""

    limit: TargetLimit = strawberry.field(description="The kind of limit.")
    service_id: strawberry.Private[str | None]
    service = service_link("service_id", "The dependency to blame; null: none in particular.", nullable=True)
    message: str = strawberry.field(description="In words.")


@strawberry.type(description="One past window judged by the target.")
class BacktestPoint:
    """One window of a replay."""

    from_at: datetime = strawberry.field(name="from", description="Start of the window, included.")
    to_at: datetime = strawberry.field(name="to", description="End of the window, excluded.")
    availability_percent: float | None = strawberry.field(
        description="What the window reached, in percent; null for latency."
    )
    threshold_ms: float | None = strawberry.field(
        description="The window's percentile in milliseconds; null for availability."
    )
    met: bool = strawberry.field(description="Did the target hold?")
    budget_remaining: float = strawberry.field(
        description="Share of the error budget left at the end of the window, at most 1; negative when overspent."
    )

    @classmethod
    def from_domain(cls, point: replayed.BacktestPoint) -> BacktestPoint:
        """The point as clients read it."""
        return cls(
            from_at=point.from_at,
            to_at=point.to_at,
            availability_percent=percent(point.availability_ratio),
            threshold_ms=point.threshold_ms,
            met=point.met,
            budget_remaining=point.budget_remaining,
        )


@strawberry.type(
    description="A burn-rate alert that would have fired: the budget was spent too fast over a long and a short "
    "window at once (The Site Reliability Workbook, ch. 5; factors for this compliance window)."
)
class BacktestAlert:
    """One alert."""

    severity: str = strawberry.field(description="page or ticket.")
    long_window: str = strawberry.field(description="Long window of the rule, such as 6h.")
    at: datetime = strawberry.field(description="When it would have fired.")
    until: datetime = strawberry.field(
        description="When it would have stopped; the end of the data if it had not."
    )


@strawberry.type(description="The worst that any past stretch of this length did.")
class WorstWindow:
    """One length."""

    window: str = strawberry.field(description="Length, such as 1h, 7d.")
    availability_percent: float | None = strawberry.field(description="In percent; null for latency.")
    threshold_ms: float | None = strawberry.field(
        description="The percentile in milliseconds; null for availability, and above the largest bucket bound."
    )
    from_at: datetime = strawberry.field(name="from", description="Start of that stretch.")


@strawberry.type(
    description="Would this target have held in the past? `windows` and `met` count disjoint windows back "
    "from the time of the computation; `series` is rolling. `alerts`, `worstByLength` and `notes` are answered by "
    "the query `backtest`; inside a recommendation they are empty."
)
class Backtest:
    """A replay of past windows."""

    replay: strawberry.Private[replayed.Backtest]
    windows: int = strawberry.field(description="Disjoint past windows; 0 with less history than one window.")
    met: int = strawberry.field(description="How many of them the target would have met.")
    worst: BacktestPoint | None = strawberry.field(description="The worst of them; null without any.")

    @strawberry.field(description="Rolling windows, one a day, oldest first.")
    def series(self) -> list[BacktestPoint]:
        """Converted only when asked for: there may be a hundred."""
        return [BacktestPoint.from_domain(point) for point in self.replay.series]

    @strawberry.field(description="Burn-rate alerts that would have fired, in order of time.")
    def alerts(self) -> list[BacktestAlert]:
        """Converted only when asked for."""
        return [
            BacktestAlert(severity=a.severity, long_window=a.long_window, at=a.at, until=a.until)
            for a in self.replay.alerts
        ]

    @strawberry.field(description="The worst stretch of each length from 1 h to 28 d, as far as the data tell.")
    def worst_by_length(self) -> list[WorstWindow]:
        """Converted only when asked for."""
        return [
            WorstWindow(
                window=w.window,
                availability_percent=percent(w.availability_ratio),
                threshold_ms=w.threshold_ms,
                from_at=w.from_at,
            )
            for w in self.replay.worst_by_length
        ]

    @strawberry.field(description="What could not be replayed as it would be alerted on, in words.")
    def notes(self) -> list[str]:
        """As found."""
        return list(self.replay.notes)

    @classmethod
    def from_domain(cls, replay: replayed.Backtest) -> Backtest:
        """The replay as clients read it."""
        return cls(
            replay=replay,
            windows=replay.windows,
            met=replay.met,
            worst=None if replay.worst is None else BacktestPoint.from_domain(replay.worst),
        )


@strawberry.type(
    description="One published number: availability in percent, or a latency percentile in milliseconds."
)
class TierTarget:
    """A target of a tier."""

    kind: ObjectiveKind = strawberry.field(description="The number that is promised.")
    availability_percent: float | None = strawberry.field(
        description="The target in percent, below 100; null for latency."
    )
    threshold_ms: float | None = strawberry.field(description="The target in milliseconds; null for availability.")
    probability_met: float = strawberry.field(
        description="Probability, 0 to 1, that this rounded target is met over the next window."
    )
    interval: Interval = strawberry.field(
        description="95 % interval of what the next window reaches, in the unit of the target."
    )
    data_only_probability: float = strawberry.field(
        description="The highest probability that the service's own data alone can carry, n/(n+1) of n past "
        "windows; above it priors learnt from similar services speak."
    )
    error_budget: ErrorBudget | None = strawberry.field(
        description="What the target lets fail; of latency: what may be slower than the threshold."
    )
    ratio_objective: RatioObjective | None = strawberry.field(
        description="The latency target as it is alerted on; null for availability."
    )
    limited_by: list[TargetLimitedBy] = strawberry.field(description="What kept it from being tighter.")
    backtest: Backtest | None = strawberry.field(
        description="Replay over the past windows; null: no history to replay."
    )

    @classmethod
    def from_domain(cls, target: model.TierTarget) -> TierTarget:
        """The target as clients read it."""
        interval, budget, ratio = target.interval, target.error_budget, target.ratio_objective
        low, high = interval.low, interval.high
        if target.kind is ObjectiveKind.AVAILABILITY:
            low, high = percent_from_ratio(low), percent_from_ratio(high)
        return cls(
            kind=target.kind,
            availability_percent=percent(target.availability_ratio),
            threshold_ms=target.threshold_ms,
            probability_met=target.probability_met,
            interval=Interval(low=low, high=high, level=interval.level),
            data_only_probability=target.data_only_probability,
            error_budget=None if budget is None else ErrorBudget(minutes=budget.minutes, requests=budget.requests),
            ratio_objective=None
            if ratio is None
            else RatioObjective(
                threshold_ms=ratio.threshold_ms,
                target_percent=percent_from_ratio(ratio.target_ratio),
                resolution_error_percent=percent_from_ratio(ratio.resolution_error_ratio),
                warning=ratio.warning,
            ),
            limited_by=[
                TargetLimitedBy(
                    limit=limited.limit,
                    service_id=limited.service_id,
                    message=limited.message,
                )
                for limited in target.limited_by
            ],
            backtest=None if target.backtest is None else Backtest.from_domain(target.backtest),
        )


@strawberry.type(description="Targets that hold with about the tier's probability.")
class Tier:
    """A tier."""

    name: TierName = strawberry.field(description="Which tier.")
    nominal_probability: float = strawberry.field(description="Probability, 0 to 1, that the tier stands for.")
    targets: list[TierTarget] = strawberry.field(
        description="One for availability; p95 and p99 for latency. Empty where the data do not carry the tier."
    )
    missing_reason: str | None = strawberry.field(description="Why `targets` is empty; null when it is not.")

    @classmethod
    def from_domain(cls, tier: model.Tier) -> Tier:
        """The tier as clients read it."""
        return cls(
            name=tier.name,
            nominal_probability=tier.nominal_probability,
            targets=[TierTarget.from_domain(target) for target in tier.targets],
            missing_reason=tier.missing_reason,
        )
