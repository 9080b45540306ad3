"""What a recommendation had to go on, said plainly."""

from __future__ import annotations

from dataclasses import dataclass

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.recommendation.model import CompositeBound, DataQuality
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.figures import count_text
from sloengine.domain.reliability.percent import percent_text

_INCOMPLETE = 0.9
_FEW_DAYS = 7.0


@dataclass(frozen=True)
class Evidence:
    """``days`` with data; ``own_weight``: own share of the incident rate; ``peers``: services in the prior.

    ``recent_days``: of them within the usual look-back, None: all.

    ``archetype``: the kind of service it is, None where kinds are not told apart; ``archetype_share``: its share
    of what is not own, in [0, 1], the organisation's other services have the rest. ``slow``: incidents are slow
    spells, not failures.
    """

    days: float
    completeness: float
    sample_count: float
    own_weight: float
    peers: int
    window_days: float
    share_of_time: bool = False
    recent_days: float | None = None
    archetype: str | None = None
    archetype_share: float = 0.0
    slow: bool = False


def describe(
    evidence: Evidence,
    settings: EngineSettings,
    *,
    telemetry_warnings: tuple[str, ...] = (),
    bound: CompositeBound | None = None,
) -> DataQuality:
    """The data quality of one recommendation, its warnings most general first."""
    recent = evidence.days if evidence.recent_days is None else min(evidence.days, evidence.recent_days)
    cold = recent < settings.cold_start_days
    warnings: list[str] = []
    if evidence.days < evidence.window_days:
        warnings.append(
            f"{span(evidence.days)} of history carry little for a promise over {evidence.window_days:.3g} days: "
            f"no whole window has been seen yet, so the promise rests on "
            + (count_text(evidence.peers, "other service") if evidence.peers else f"the {shipped_prior.NAME}")
        )
    elif cold:
        warnings.append(f"cold start: {span(recent)} of history, below {settings.cold_start_days:.0f} days")
    if recent < evidence.days - 0.5:
        warnings.append(
            f"only {span(recent)} of the last {settings.lookback_days} days have data, so all that is known of "
            f"the last {settings.prior_lookback_days} is looked at: {span(evidence.days)}"
        )
    if evidence.peers == 0:
        warnings.append(f"no other service to learn from; the prior is the {shipped_prior.NAME}")
    if cold and evidence.archetype is not None:
        warnings.append(_archetype_note(evidence))
    if evidence.completeness < _INCOMPLETE:
        warnings.append(
            f"{percent_text(1 - evidence.completeness)} of the intervals since the first one have no data"
        )
    if evidence.share_of_time:
        warnings.append("good and total look like shares of time, not requests: each minute counts as one event")
    warnings.extend(telemetry_warnings)
    if bound is not None:
        warnings.extend(contradiction.message for contradiction in bound.contradictions)
        if bound.more_contradictions:
            warnings.append(f"the data contradict {bound.more_contradictions:,} more declared calls below it")
    return DataQuality(
        days_of_history=evidence.days,
        completeness=evidence.completeness,
        sample_count=evidence.sample_count,
        cold_start=cold,
        archetype=archetype_of(evidence),
        archetype_weight=(1.0 - evidence.own_weight)
        * (1.0 if evidence.archetype is None else evidence.archetype_share),
        warnings=tuple(warnings),
    )


def archetype_of(evidence: Evidence) -> str:
    """What stands in for a past of its own: its kind, else all services, else what is shipped."""
    if evidence.archetype is not None:
        return evidence.archetype
    if evidence.peers == 0:
        return shipped_prior.NAME
    return f"{count_text(evidence.peers, 'service')} of this organisation"


def _archetype_note(evidence: Evidence) -> str:
    rest = 1.0 - evidence.own_weight
    if evidence.archetype_share <= 0:
        they = "get slow" if evidence.slow else "fail"
        return (
            f"it looks like {evidence.archetype}, which {they} no differently from the rest by more than chance, "
            f"so all {evidence.peers} other services stand in for its past"
        )
    how_often = f"of how often it {'gets slow' if evidence.slow else 'fails'}"
    return (
        f"{how_often}, {percent_text(evidence.archetype_share * rest)} is taken from {evidence.archetype}, "
        f"{percent_text((1.0 - evidence.archetype_share) * rest)} from all "
        f"{evidence.peers} other services, the rest from its own days"
    )


def span(days: float) -> str:
    """Days as people say them: hours below three days.

    >>> span(2.04), span(28.0)
    ('49 hours', '28 days')
    """
    return count_text(days * 24, "hour") if days < 3 else f"{days:.3g} days"
