"""What a service is compared with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

from sloengine.domain.recommendation import shipped_prior
from sloengine.domain.recommendation.incident_rate import RATES
from sloengine.domain.recommendation.organization_prior import OrganizationPrior
from sloengine.domain.recommendation.service_knowledge import ServicePrior
from sloengine.domain.reliability.figures import count_text


@dataclass(frozen=True)
class Reference:
    """A usual service: the middle one of those that the service is compared with.

    ``rate_per_day``: incident episodes; ``base_ratio``: failures outside them over valid events; ``size_days``:
    mean size of an episode in days of full outage. ``history_days``: complete days on record. ``daily_traffic``:
    valid events a day; infinite where chance in counting is not to matter. Its dependencies never fail it.
    """

    name: str
    rate_per_day: float
    base_ratio: float
    size_days: float
    history_days: float
    daily_traffic: float = float("inf")

    @property
    def unavailability(self) -> float:
        """Mean of its own failure."""
        return min(1.0, self.base_ratio + self.rate_per_day * self.size_days)

    @classmethod
    def of_organization(cls, prior: OrganizationPrior, service_id: str, *, history_days: float) -> Reference:
        """The middle of the service's prior, its own past taken out."""
        known = ServicePrior.of(prior, service_id)
        cumulative = np.cumsum(known.rate_weights)
        middle = int(np.searchsorted(cumulative / cumulative[-1], 0.5))
        weights = np.diff(known.pool_cumulative, prepend=0.0)
        pooled = float(known.pool @ weights) if len(weights) else 0.0
        shipped = shipped_prior.SEVERITY_MEDIAN_DAYS * float(np.exp(shipped_prior.SEVERITY_LOG_SD**2 / 2.0))
        return cls(
            name=_name(prior, service_id),
            rate_per_day=float(RATES[min(middle, len(RATES) - 1)]),
            base_ratio=float(gammaincinv(known.base_shape, 0.5) / known.base_rate),
            size_days=known.pool_share * pooled + (1.0 - known.pool_share) * shipped,
            history_days=history_days,
        )


def _name(prior: OrganizationPrior, service_id: str) -> str:
    kind, peers = prior.archetypes.name_of(service_id), prior.peers(service_id)
    if kind is not None and prior.archetype_share(service_id) > 0:
        return f"a usual one of its kind, {kind}"
    if peers == 0:
        return "the shipped default"
    return f"a usual service of this organisation ({count_text(peers, 'other')})"
