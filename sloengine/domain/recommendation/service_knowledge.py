"""What is known of one service when its windows are drawn: from its peers, of its episodes, and outside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.recommendation.base_spread import WeeklySpread
from sloengine.domain.recommendation.incident_rate import LEAST_SIZE_WEIGHT
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.reliability.panel import FloatArray


@dataclass(frozen=True)
class ServicePrior:
    """What the organisation says of one service, its own history taken out.

    ``rate_weights``: on the grid of incident rates. ``pool`` and ``pool_cumulative``: peers' episode sizes,
    ascending, ``pool_share`` in [0, 1] against the shipped sizes. ``evidence``: independent episodes in the pool.
    ``unseen_days``: days in which no outage came of a kind not had yet, and those that the shipped law of its rate
    counts as. ``own_size_weight``: own episodes that the pool is worth, at least, in a size. ``base_shape`` and
    ``base_rate``: of the gamma law of failures outside incidents, ``spread``: how far their weeks vary. ``peers``
    and ``peer_episodes``: other services and their episodes that it was learnt from.
    """

    rate_weights: FloatArray
    pool: FloatArray
    pool_cumulative: FloatArray
    pool_share: float
    evidence: float
    base_shape: float
    base_rate: float
    spread: WeeklySpread
    episode_days: float
    unseen_days: float
    peers: int = 0
    peer_episodes: int = 0
    own_size_weight: float = shipped_prior.OWN_SIZE_WEIGHT

    @classmethod
    def of(cls, prior: OrganizationPrior, service_id: str) -> ServicePrior:
        """Taken from the organisation's prior."""
        pool, cumulative = prior.severity_pool(service_id)
        peer_episodes = prior.peer_episodes(service_id)
        evidence = prior.pool_evidence(service_id) if len(pool) else 0.0
        shape, rate = prior.base_gamma(service_id)
        return cls(
            rate_weights=prior.rate_prior(service_id),
            pool=pool,
            pool_cumulative=cumulative,
            pool_share=evidence / (evidence + shipped_prior.PSEUDO_EPISODES),
            evidence=evidence,
            base_shape=shape,
            base_rate=rate,
            spread=prior.spread,
            episode_days=prior.episode_days,
            unseen_days=shipped_prior.UNSEEN_COUNTS_AS_DAYS + prior.seen_days,
            peers=prior.peers(service_id),
            peer_episodes=peer_episodes,
            own_size_weight=max(LEAST_SIZE_WEIGHT, prior.own_size_weight),
        )


@dataclass(frozen=True)
class SizeKnowledge:
    """Own episodes' sizes, ascending, with their cumulative weights, and their share in the size of a new one."""

    sizes: FloatArray
    cumulative: FloatArray
    own_share: float

    @classmethod
    def of(cls, sizes: FloatArray, weights: FloatArray, own_share: float) -> SizeKnowledge:
        """From sizes in any order; without sizes nothing is own."""
        order = np.argsort(sizes, kind="stable")
        weight = weights[order]
        cumulative = np.cumsum(weight) / max(float(weight.sum()), 1e-300)
        return cls(sizes[order], cumulative, own_share if len(sizes) else 0.0)


@dataclass(frozen=True)
class BaseKnowledge:
    """Failures outside incidents: own events of that many days, and the variance of weeks over Poisson's.

    ``weeks``: that ``dispersion`` is from, less one.
    """

    bad: float
    valid: float
    days: float
    dispersion: float
    weeks: float
