"""Why a target on record gave way to another one, in words."""

from __future__ import annotations

from collections.abc import Sequence

from sloengine.domain.recommendation.incidents import split_incidents
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, Tier, TierName
from sloengine.domain.recommendation.predictive import Predictive
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.recommendation.tiers import AvailabilityCaps, cap_below
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.percent import percent_from_ratio

_DAY_SECONDS = 86_400.0


def change_of_balanced(
    previous: Recommendation | None, tiers: Sequence[Tier], history: DailyHistory
) -> str | None:
    """What became of the Balanced availability target on record; None: it stands, or there was none.

    ``history``: the service's days. Names the incidents that began since the earlier one was made, and says so
    where there were none: then the others' incidents, traffic or the passing of old incidents moved it.
    """
    before = _balanced(() if previous is None else previous.tiers)
    now = _balanced(tiers)
    if previous is None or before is None or now == before:
        return None
    was = percent_from_ratio(before)
    moved = (
        f"Balanced was {was:.9g} % before and has no target now"
        if now is None
        else f"Balanced moved from {was:.9g} to {percent_from_ratio(now):.9g} %"
    )
    age = max(0.0, (history.ends_at - previous.provenance.to_at).total_seconds() / _DAY_SECONDS)
    split = split_incidents(history)
    # An episode that was running then may have grown since: its last day counts, not its first. Ages are those of
    # the middle of days: one that was over when the earlier one was made was known to it.
    since = int(((split.age - split.length + 1.0) < age + 0.5).sum())
    day = f"{previous.provenance.to_at:%Y-%m-%d}"
    if since == 0:
        return f"{moved}, with no incident of its own since {day}."
    return f"{moved} after {since} incident{'' if since == 1 else 's'} on or since {day}."


def capped_since(
    previous: Recommendation | None,
    tiers: Sequence[Tier],
    caps: AvailabilityCaps,
    predictive: Predictive,
    settings: EngineSettings,
) -> tuple[str, ...]:
    """A sentence for each availability target on record that what caps it today no longer allows."""
    said = []
    for name in TierName:
        before, now = _ratio(() if previous is None else previous.tiers, name), _ratio(tiers, name)
        limit = None if before is None or before == now else cap_below(name, before, caps, predictive, settings)
        if before is not None and limit is not None:
            title, was = name.value.capitalize(), percent_from_ratio(before)
            said.append(f"{title} of {was:.9g} % could not stay: {limit.message}.")
    return tuple(said)


def _balanced(tiers: Sequence[Tier]) -> float | None:
    return _ratio(tiers, TierName.BALANCED)


def _ratio(tiers: Sequence[Tier], name: TierName) -> float | None:
    for tier in tiers:
        if tier.name is name:
            for target in tier.targets:
                if target.kind is ObjectiveKind.AVAILABILITY:
                    return target.availability_ratio
    return None
