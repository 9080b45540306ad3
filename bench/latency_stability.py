"""Do latency targets on record stay put? The same services asked every day for a month, each answer handed on."""

from __future__ import annotations

import re
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from bench.accuracy_stability import ASKED_DAYS, ASKED_SERVICES, HISTORY_DAYS, Stability
from bench.latency_organizations import WINDOWS, play
from bench.latency_trial import DAY, START
from sloengine.domain.recommendation.latency_change import spells_since
from sloengine.domain.recommendation.latency_days import cut_history, describe_days
from sloengine.domain.recommendation.latency_prior import learn_latency_prior
from sloengine.domain.recommendation.lifecycle import previous_target
from sloengine.domain.recommendation.model import ObjectiveKind, Recommendation, TierName
from sloengine.domain.recommendation.recommend_latency import recommend_latency
from sloengine.domain.recommendation.request import LatencyRequest
from sloengine.domain.recommendation.settings import EngineSettings
from sloengine.domain.reliability.panel import LatencyHistory

_FIRST_SEED = 85_000
_NAMED = re.compile(r"Balanced moved: .*, after \d+ slow spells? ")
_KINDS = (ObjectiveKind.LATENCY_P95, ObjectiveKind.LATENCY_P99)


def judge_latency_stability(organizations: int, window_days: int, workers: int) -> Stability:
    """All organisations together; a day on which p95 or p99 moved, or both, is one change."""
    with ProcessPoolExecutor(workers) as pool:
        seeds = range(_FIRST_SEED, _FIRST_SEED + organizations)
        parts = list(pool.map(partial(_organization, window_days=window_days), seeds))
    return Stability(*(int(total) for total in np.sum(parts, axis=0)))


def _organization(seed: int, window_days: int) -> tuple[int, int, int, int, int]:
    played = play(seed, HISTORY_DAYS + ASKED_DAYS, 1, windows=(7,))
    settings, before = EngineSettings(), dict[str, Recommendation]()
    quiet_days = quiet_changes = spell_days = spell_changes = named = 0
    for day in range(HISTORY_DAYS, HISTORY_DAYS + ASKED_DAYS):
        as_of = START + DAY * day
        prior = learn_latency_prior(played.histories, as_of=as_of)
        for name in played.names[:ASKED_SERVICES]:
            history, previous = played.histories[name], before.get(name)
            request = LatencyRequest(name, WINDOWS[window_days], as_of, history, as_of, previous=previous)
            answer = recommend_latency(request, prior, settings)
            if not isinstance(answer, Recommendation):
                continue
            before[name] = answer
            if previous is None:
                continue
            changed = _balanced(answer) != _balanced(previous)
            if _slow_spells(history, day, settings):
                spell_days += 1
                spell_changes += changed
                named += changed and _NAMED.search(answer.summary) is not None
            else:
                quiet_days += 1
                quiet_changes += changed
    return quiet_days, quiet_changes, spell_days, spell_changes, named


def _balanced(recommendation: Recommendation) -> list[float | None]:
    found = [previous_target(recommendation, TierName.BALANCED, kind) for kind in _KINDS]
    return [None if target is None else target.threshold_ms for target in found]


def _slow_spells(history: LatencyHistory, day: int, settings: EngineSettings) -> bool:
    """Whether the newest day had a slow spell of the service's own, which the answer before cannot have known."""
    as_of = START + DAY * day
    counts, ages = cut_history(history, as_of=as_of, lookback_days=settings.lookback_days)
    days = describe_days(history.bounds_seconds, counts, ages)
    return days is None or spells_since(days, 1.0) > 0
