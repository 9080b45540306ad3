"""A few plain sentences made from the numbers, for somebody who knows the service and no statistics."""

from __future__ import annotations

from collections.abc import Sequence

from sloengine.domain.recommendation.behaviour_change import BehaviourChange
from sloengine.domain.recommendation.data_quality import span
from sloengine.domain.recommendation.latency_layout import LayoutNote, layout_sentence
from sloengine.domain.recommendation.model import (
    CompositeBound,
    DataQuality,
    ObjectiveKind,
    TargetLimit,
    Tier,
    TierName,
    TierTarget,
)
from sloengine.domain.reliability.figures import count_text, figure_text
from sloengine.domain.reliability.percent import percent_from_ratio, percent_text
from sloengine.domain.reliability.window import ComplianceWindow

_WINDOW_WORDS = {
    ComplianceWindow.ROLLING_7D: "7 days",
    ComplianceWindow.ROLLING_28D: "28 days",
    ComplianceWindow.ROLLING_30D: "30 days",
    ComplianceWindow.CALENDAR_MONTH: "a calendar month",
    ComplianceWindow.CALENDAR_QUARTER: "a calendar quarter",
}
_NAMED = 3
_MOST = 0.5
"""A kind that weighs more in the estimate of a young service is named."""
_PREFERRED = (TierName.BALANCED, TierName.CONSERVATIVE, TierName.AGGRESSIVE)


def summarize(
    service_id: str,
    window: ComplianceWindow,
    tiers: tuple[Tier, ...],
    quality: DataQuality,
    *,
    peers: int,
    kind: str | None = None,
    bound: CompositeBound | None = None,
    changed: BehaviourChange | None = None,
    layout: Sequence[LayoutNote] = (),
) -> str:
    """Plain sentences; every number in them stands in the tiers, the data quality or the bound too.

    ``peers``: other services it was learnt from; ``kind``: its archetype, if it has one. ``layout``: what the
    buckets of a latency histogram cost.
    """
    by_name = {tier.name: tier for tier in tiers}
    lead = next((by_name[name] for name in _PREFERRED if by_name[name].targets), None)
    sentences: list[str] = []
    if lead is None:
        sentences.append(f"No target can be recommended for {service_id} over {_WINDOW_WORDS[window]}.")
        sentences.append(_sentence(by_name[TierName.AGGRESSIVE].missing_reason or ""))
    else:
        sentences.extend(_lead(service_id, window, lead))
        sentences.extend(_others(lead, tiers))
        sentences.extend(_past(lead.targets[0], quality, peers, kind))
        sentences.extend(_limits(lead.targets[0]))
        sentences.append(layout_sentence(layout))
    if bound is not None and bound.contradictions:
        sentences.append(_contradicted(service_id, bound))
    if changed is not None:
        sentences.append(_sentence(changed.message))
    return " ".join(sentence for sentence in sentences if sentence)


def goal(target: TierTarget) -> str:
    """The target in words: "99.9 % of requests succeed", "95 % of requests finish within 250 ms"."""
    if target.availability_ratio is not None:
        return f"{percent_from_ratio(target.availability_ratio):.9g} % of requests succeed"
    share = "95 %" if target.kind is ObjectiveKind.LATENCY_P95 else "99 %"
    return f"{share} of requests finish within {figure_text(target.threshold_ms or 0.0, 6)} ms"


def times_in_a_hundred(probability: float) -> str:
    """A probability as a count of windows, never more certain than it is.

    >>> times_in_a_hundred(0.947), times_in_a_hundred(0.995)
    ('94 of 100 windows', '99 of 100 windows')
    """
    return f"{hundredths(probability)} of 100 windows"


def hundredths(probability: float) -> int:
    """A probability in whole hundredths, rounded down."""
    return int(probability * 100 + 1e-9)


def _lead(service_id: str, window: ComplianceWindow, tier: Tier) -> list[str]:
    target = tier.targets[0]
    said = [
        f"{service_id} can promise that {goal(target)} over {_WINDOW_WORDS[window]} ({tier.name.value.lower()}): "
        f"expect to keep it in {times_in_a_hundred(target.probability_met)}."
    ]
    if len(tier.targets) > 1:
        also = "; ".join(
            f"{goal(other)} in {times_in_a_hundred(other.probability_met)}" for other in tier.targets[1:]
        )
        said.append(f"Also: {also}.")
    budget = target.error_budget
    if budget is not None and target.availability_ratio is not None:
        requests = "" if budget.requests is None else f", or {count_text(budget.requests, 'failed request')}"
        said.append(f"That allows {minutes_text(budget.minutes)} of full outage{requests} per window.")
    return said


def _others(lead: Tier, tiers: tuple[Tier, ...]) -> list[str]:
    said = []
    for tier in tiers:
        if tier is lead:
            continue
        title = tier.name.value.capitalize()
        if tier.targets:
            target = tier.targets[0]
            said.append(f"{title}: {goal(target)}, kept in {times_in_a_hundred(target.probability_met)}.")
        elif tier.missing_reason:
            said.append(_sentence(tier.missing_reason))
    return said


def _past(target: TierTarget, quality: DataQuality, peers: int, kind: str | None) -> list[str]:
    beside = count_text(peers, "other service") if peers else "a shipped default"
    mostly = _above_all(quality, kind)
    if target.backtest is None or target.backtest.windows == 0:
        return [
            f"With {span(quality.days_of_history)} of history, not one whole window, this rests mostly on what "
            f"{beside} {'show' if peers > 1 else 'shows' if peers else 'assumes'}{mostly}."
        ]
    n, met = target.backtest.windows, target.backtest.met
    if n == 1:
        kept = f"The one past window {'kept' if met else 'broke'} it"
    else:
        kept = f"All {n} past windows kept it" if met == n else f"{met} of {n} past windows kept it"
    carried = percent_text(target.data_only_probability)
    # As printed: 92 of 100 windows are not more than "no more than 93 %".
    if hundredths(target.probability_met) <= float(carried.removesuffix(" %")):
        return [f"{kept}."]
    windows = "one window alone carries" if n == 1 else f"{n} windows alone carry"
    return [f"{kept}; {windows} no more than {carried}, the rest of the probability comes from {beside}{mostly}."]


def _above_all(quality: DataQuality, kind: str | None) -> str:
    """The kind of a young service, where more comes from it than from all else together."""
    if kind is None or not quality.cold_start or (quality.archetype_weight or 0.0) <= _MOST:
        return ""
    return f", above all {kind}"


def _limits(target: TierTarget) -> list[str]:
    first = next((limit for limit in target.limited_by if limit.limit is not TargetLimit.ROUNDING), None)
    return [] if first is None else [f"What keeps it from being tighter: {first.message}."]


def _contradicted(service_id: str, bound: CompositeBound) -> str:
    """The first few by name, those that the service calls itself before others; how many calls more."""
    ordered = sorted(bound.contradictions, key=lambda found: found.caller != service_id)
    named = list(dict.fromkeys(found.dependency for found in ordered))[:_NAMED]
    rest = sum(found.dependency not in named for found in ordered) + bound.more_contradictions
    more = "" if rest == 0 else f"; nor do those of {rest:,} more {'call' if rest == 1 else 'calls'} below it"
    return f"Failures of {', '.join(named)} hardly reach it{more}, whatever the graph declares."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def minutes_text(minutes: float) -> str:
    """Minutes as they are said: three digits, whole ones from a hundred on.

    >>> minutes_text(40.32), minutes_text(2_016.4), minutes_text(1.0)
    ('40.3 minutes', '2,016 minutes', '1 minute')
    """
    text = f"{minutes:,.0f}" if minutes >= 100 else figure_text(minutes, 3)
    return f"{text} minute" if text == "1" else f"{text} minutes"
