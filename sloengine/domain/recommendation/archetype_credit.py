"""How far services of one archetype are believed over all services of the organisation.

Source: Bühlmann (1967), "Experience rating and credibility", ASTIN Bulletin 4:199: a group of n members is
believed with n / (n + k), k = variance within groups / variance between them; the variances by one-way analysis
(Searle, "Variance Components", 1992, ch. 3). Groups that differ by no more than chance would have it get k =
infinity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import fdtr

from sloengine.domain.recommendation import incident_rate
from sloengine.domain.recommendation.archetypes import Archetypes
from sloengine.domain.reliability.panel import FloatArray

SURE = 0.8
"""Groups of one kind differ less than these in so many of all cases, or they are not believed at all."""
LEAST_K = 2.0


def credibility_k(values: FloatArray, groups: npt.NDArray[np.int64]) -> float:
    """Members that the whole organisation counts as against a group's own; infinite: groups say nothing.

    ``values``, ``groups``: shape (n_services,).

    >>> credibility_k(np.array([1.0, 1.2, 3.0, 3.2, 5.0, 5.2]), np.array([0, 0, 1, 1, 2, 2]))
    2.0
    >>> credibility_k(np.array([1.0, 2.0, 1.0, 2.0]), np.array([0, 0, 1, 1]))
    inf
    """
    labels, rows, counts = np.unique(groups, return_inverse=True, return_counts=True)
    total, number = len(values), len(labels)
    if number < 2 or total - number < 3:
        return float("inf")
    sizes = counts.astype(np.float64)
    means = np.bincount(rows, weights=values) / sizes
    within = float(((values - means[rows]) ** 2).sum()) / (total - number)
    between = float((sizes * (means - values.mean()) ** 2).sum()) / (number - 1)
    if within <= 0.0:
        return LEAST_K if between > 0.0 else float("inf")
    if float(fdtr(number - 1, total - number, between / within)) < SURE:
        return float("inf")
    typical = (total - float((sizes**2).sum()) / total) / (number - 1)
    variance = (between - within) / typical
    return max(LEAST_K, within / variance) if variance > 0 else float("inf")


def credited(count: float, k: float) -> float:
    """n / (n + k).

    >>> credited(9, 3.0), credited(9, float("inf")), credited(0, 2.0)
    (0.75, 0.0, 0.0)
    """
    return 0.0 if count <= 0 or not np.isfinite(k) else count / (count + k)


def mean_log(values: FloatArray, owner: npt.NDArray[np.int64], n_services: int) -> FloatArray:
    """Mean logarithm of each owner's values, shape (n_services,); NaN for one without any.

    ``values``, ``owner`` (a service's row): shape (n_values,).
    """
    counts = np.bincount(owner, minlength=n_services)
    sums = np.bincount(owner, weights=np.log(np.maximum(values, 1e-12)), minlength=n_services)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


@dataclass(frozen=True)
class ArchetypeRates:
    """Incident rates per archetype, from the services of an organisation's prior.

    Per service, shape (n_services,): ``episodes`` and ``days`` as in the prior; ``weights``: the organisation's
    mixture on the grid of rates.
    """

    archetypes: Archetypes
    service_ids: tuple[str, ...]
    episodes: FloatArray
    days: FloatArray
    weights: FloatArray

    @cached_property
    def group(self) -> npt.NDArray[np.int64]:
        """Archetype of each row, -1 for one that teaches none."""
        kinds = self.archetypes
        found = [kinds.assigned[one] if one in kinds.teachers else -1 for one in self.service_ids]
        return np.array(found, dtype=np.int64)

    def kind(self, service_id: str) -> int | None:
        """Archetype of any service; None where it has none."""
        return self.archetypes.assigned.get(service_id)

    def members(self, service_id: str, row: int | None) -> npt.NDArray[np.bool_]:
        """Rows of the service's archetype without its own, ``row``."""
        kind = self.kind(service_id)
        mask: npt.NDArray[np.bool_] = self.group == (-2 if kind is None else kind)
        if row is not None:
            mask[row] = False
        return mask

    def k_of(self, values: FloatArray) -> float:
        """``credibility_k`` of one figure a service, NaN where it has none."""
        seen = (self.group >= 0) & ~np.isnan(values)
        return credibility_k(values[seen], self.group[seen])

    @cached_property
    def k(self) -> float:
        """Of the logarithm of incident rates, each service's shrunk to the organisation's."""
        if not len(self.archetypes):
            return float("inf")
        table = incident_rate.likelihood(self.episodes, self.days) * self.weights
        level = table @ np.log(incident_rate.RATES) / table.sum(axis=1)
        return self.k_of(np.where(self.days > 0, level, np.nan))

    def share(self, service_id: str, row: int | None) -> float:
        """Share of the prior of this service's rate that is its archetype's own, in [0, 1]."""
        return credited(float((self.members(service_id, row) & (self.days > 0)).sum()), self.k)

    def prior(self, service_id: str, row: int | None, ours: FloatArray) -> FloatArray:
        """The archetype's mixture without this service. ``ours``: the organisation's without it."""
        kind = self.kind(service_id)
        if kind is None or not np.isfinite(self.k):
            return ours
        # One step of leave-one-out: of the archetype's own services, and of the organisation beside them.
        weights, count = self._mixtures[kind]
        rest = (count + self.k) * weights - self.k * (self.weights - ours)
        if row is not None and self.group[row] == kind:
            rest -= incident_rate.share(weights, float(self.episodes[row]), float(self.days[row]))
        rest = np.maximum(rest, 1e-300)
        return np.asarray(rest / rest.sum())

    @cached_property
    def _mixtures(self) -> tuple[tuple[FloatArray, int], ...]:
        """Per archetype its mixture, the organisation's counting as k services, and the number of its teachers."""
        found = []
        for kind in range(len(self.archetypes)):
            rows = (self.group == kind) & (self.days > 0)
            mixture = incident_rate.learn_mixture(self.episodes[rows], self.days[rows], self.weights, self.k)
            found.append((mixture, int(rows.sum())))
        return tuple(found)


def pool_by_archetype(
    weight: FloatArray, alike: npt.NDArray[np.bool_], owner: npt.NDArray[np.int64], k: float
) -> FloatArray:
    """Weights of pooled episodes, those of ``alike`` services raised to the share that they are believed with.

    ``weight``: of each episode, its sum is kept; ``owner``: its service; shape (n_episodes,) all.
    """
    total, own_kind = float(weight.sum()), np.where(alike, weight, 0.0)
    share = credited(float(len(np.unique(owner[own_kind > 0]))), k)
    if share <= 0 or total <= 0:
        return weight
    return np.asarray(share * total * own_kind / own_kind.sum() + (1.0 - share) * weight)
