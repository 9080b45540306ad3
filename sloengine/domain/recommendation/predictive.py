"""The distribution of a future window's unavailability: hierarchical Bayes on incidents.

Window = Poisson(length x rate) incident episodes + failures outside incidents + sampling noise of the traffic.
The rate has a prior learnt from the organisation; sizes come from own, peers' and shipped episodes; base failures
are shrunk to peers. Own incidents are forgotten with a half-life, and a small share of the draws takes rate and
base from the prior, as a coming change of regime would. One mechanism for mature, young and brand-new services.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation.incident_rate import RateKnowledge
from sloengine.domain.recommendation.incidents import IncidentSplit, split_incidents
from sloengine.domain.recommendation.organization_prior import PEER_HALF_LIFE_DAYS, OrganizationPrior
from sloengine.domain.recommendation.service_knowledge import BaseKnowledge, ServicePrior, SizeKnowledge
from sloengine.domain.recommendation.window_draws import (
    base_failures,
    rate_episodes,
    unseen_counts,
    unseen_severity,
    window_severity,
    with_other_episodes,
    with_sampling_noise,
)
from sloengine.domain.recommendation.window_numbers import WindowNumbers
from sloengine.domain.reliability.daily import DailyHistory
from sloengine.domain.reliability.panel import FloatArray


@dataclass(frozen=True)
class PredictiveFacts:
    """What the draws rest on.

    ``own_days``: days with data, ``own_episodes``: incidents in them, ``own_weight``: share in [0, 1] that own
    history has in the incident rate, the rest is the prior's. ``rate_per_day``: mean incident rate.
    """

    own_days: float
    own_episodes: int
    own_weight: float
    rate_per_day: float
    base_ratio: float
    peers: int
    peer_episodes: int
    running: bool


@dataclass(frozen=True)
class Predictive:
    """Draws of a future window.

    ``unavailability``: shape (n_draws,), in [0, 1]. ``episode_count``: episodes in each draw; ``rate_episodes``:
    those of them that come as often as the incident rate says, not the shared outages never had yet nor the one
    under way. ``base``: failures outside incidents. ``rate_weights``: the posterior on the grid of incident rates,
    and ``severity_log_sd``: how well sizes are known; both are behind the interval of a target.
    """

    unavailability: FloatArray
    episode_count: npt.NDArray[np.int64]
    rate_episodes: npt.NDArray[np.int64]
    base: FloatArray
    rate_weights: FloatArray
    window_days: float
    severity_log_sd: float
    facts: PredictiveFacts


def predict(
    history: DailyHistory,
    prior: OrganizationPrior,
    *,
    window_days: float,
    expected_daily_traffic: float,
    rng: np.random.Generator,
    n_draws: int,
) -> Predictive:
    """Draw a future window of the single service in ``history``.

    ``expected_daily_traffic``: valid events per day, for the sampling noise; infinite switches it off. Works
    without any days at all: then everything comes from the prior.
    """
    return predict_with(
        history,
        prior,
        WindowNumbers.of(rng, n_draws),
        window_days=window_days,
        expected_daily_traffic=expected_daily_traffic,
    )


def predict_with(
    history: DailyHistory,
    prior: OrganizationPrior | ServicePrior,
    numbers: WindowNumbers,
    *,
    window_days: float,
    expected_daily_traffic: float,
) -> Predictive:
    """As :func:`predict`, with random numbers made before. ``prior``: of the service, where it is at hand."""
    split = split_incidents(history)
    known = prior if isinstance(prior, ServicePrior) else ServicePrior.of(prior, history.service_ids[0])
    rate = rate_knowledge(history, split, known)
    running = bool(split.running[0])
    by_rate = rate_episodes([rate], known, numbers, window_days)
    count: npt.NDArray[np.int64] = with_other_episodes(by_rate, [running], known, numbers, window_days)[0]
    severity = window_severity(count, size_knowledge(split, rate), known, numbers)
    severity += unseen_severity(known, numbers, window_days)
    requests = window_days * expected_daily_traffic
    base = base_failures(base_knowledge(split), known, numbers, requests)
    n_own = len(split.severity)
    return Predictive(
        unavailability=with_sampling_noise(base + severity / window_days, numbers, requests),
        episode_count=count + unseen_counts(known, numbers, window_days),
        rate_episodes=by_rate[0],
        base=base,
        rate_weights=rate.weights,
        window_days=window_days,
        severity_log_sd=1.0 / np.sqrt(n_own + 1.0),
        facts=PredictiveFacts(
            own_days=float(history.exposure.sum()),
            own_episodes=n_own,
            own_weight=rate.own_weight,
            rate_per_day=rate.mean_per_day,
            base_ratio=float(base.mean()),
            peers=known.peers,
            peer_episodes=known.peer_episodes,
            running=running,
        ),
    )


def rate_knowledge(history: DailyHistory, split: IncidentSplit, prior: ServicePrior) -> RateKnowledge:
    """How often incidents start, from the single service's own days and episodes."""
    return RateKnowledge.of(
        prior.rate_weights,
        day_ages=history.ages,
        exposure=np.where(history.valid[0] > 0, history.exposure[0], 0.0),
        episode_ages=split.age,
        size_weight=prior.own_size_weight,
    )


def size_knowledge(split: IncidentSplit, rate: RateKnowledge) -> SizeKnowledge:
    """How large they are."""
    own, age = split.of(0)
    return SizeKnowledge.of(own, 0.5 ** (age / PEER_HALF_LIFE_DAYS), rate.own_size_share)


def base_knowledge(split: IncidentSplit) -> BaseKnowledge:
    """What fails outside them."""
    return BaseKnowledge(
        bad=float(split.base_bad[0]),
        valid=float(split.base_valid[0]),
        days=float(split.base_days[0]),
        dispersion=float(split.dispersion[0]),
        weeks=float(split.dispersion_weeks[0]),
    )
