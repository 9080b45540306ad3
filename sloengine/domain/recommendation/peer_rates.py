"""How often other services have incidents, as the prior of one: the same for failures and for slow days."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from sloengine.domain.recommendation import incident_rate
from sloengine.domain.recommendation.archetype_credit import ArchetypeRates
from sloengine.domain.recommendation.archetypes import Archetypes
from sloengine.domain.reliability.panel import FloatArray


class PeerRates:
    """What priors have in common.

    ``episodes`` and ``days`` (discounted by age): of each service, shape (n_services,). ``rate_weights``: of the
    mixture learnt from them, on the grid of rates. ``archetypes``: kinds of services.
    """

    service_ids: tuple[str, ...]
    episodes: FloatArray
    days: FloatArray
    rate_weights: FloatArray
    archetypes: Archetypes

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Row of each service."""
        return {service_id: row for row, service_id in enumerate(self.service_ids)}

    @cached_property
    def by_archetype(self) -> ArchetypeRates:
        """What archetypes add."""
        return ArchetypeRates(self.archetypes, self.service_ids, self.episodes, self.days, self.rate_weights)

    def archetype_share(self, service_id: str) -> float:
        """Share of the prior of its rate that is its archetype's own, in [0, 1]."""
        return self.by_archetype.share(service_id, self.index.get(service_id))

    def peers(self, service_id: str) -> int:
        """Services other than this one that taught the prior something."""
        row = self.index.get(service_id)
        return int((self.days > 0).sum()) - int(row is not None and self.days[row] > 0)

    def rate_prior(self, service_id: str) -> FloatArray:
        """Weights of the rate grid, this service's own history taken out."""
        row = self.index.get(service_id)
        ours = self.rate_weights
        if row is not None:
            count = int((self.days > 0).sum())
            ours = incident_rate.without(ours, count, float(self.episodes[row]), float(self.days[row]))
        return self.by_archetype.prior(service_id, row, ours)

    @property
    def seen_days(self) -> float:
        """Days, discounted by age, over which the organisation was seen: those of the service seen longest."""
        return float(self.days.max(initial=0.0))
