"""Kinds of services: groups of similar ones, to which a service without a past can be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sloengine.domain.recommendation.archetype_features import Features
from sloengine.domain.recommendation.archetype_names import name_archetypes
from sloengine.domain.reliability.figures import count_text
from sloengine.domain.reliability.panel import FloatArray

LEAST_DAYS = 30.0
"""Services with less history than this are assigned to archetypes, but teach none."""
LEAST_TEACHERS = 12
"""Fewer services than this are not divided."""


@dataclass(frozen=True)
class Archetypes:
    """Centres of the groups, and the group of each service.

    ``features``: names of the columns; ``mean``, ``scale``: shape (n_features,); ``centers``: shape (n_archetypes,
    n_features), standardised. ``names``: in words. ``assigned``: position in ``names`` per service of the graph;
    ``teachers``: the services with enough history to have been grouped.
    """

    features: tuple[str, ...]
    mean: FloatArray
    scale: FloatArray
    centers: FloatArray
    names: tuple[str, ...]
    assigned: Mapping[str, int]
    teachers: frozenset[str]

    @classmethod
    def none(cls) -> Archetypes:
        """Nothing is told apart."""
        return cls((), np.zeros(0), np.zeros(0), np.zeros((0, 0)), (), {}, frozenset())

    def __len__(self) -> int:
        """Number of archetypes."""
        return len(self.names)

    def nearest(self, features: Features) -> npt.NDArray[np.int64]:
        """Archetype of each row: the nearest centre. Features that are not known do not count, on either side.

        Raises: ValueError, if there are no archetypes.
        """
        if not self.names:
            raise ValueError("there are no archetypes")
        values = (features.of(self.features) - self.mean) / self.scale
        known = ~np.isnan(values)
        gap = np.where(known[:, None, :], values[:, None, :] - self.centers[None, :, :], 0.0)
        return np.asarray((gap**2).sum(axis=2).argmin(axis=1), dtype=np.int64)

    def with_newcomers(self, features: Features) -> Archetypes:
        """With the nearest archetype for each service of ``features`` that has none yet."""
        if not self.names or all(one in self.assigned for one in features.service_ids):
            return self
        nearest = self.nearest(features)
        added = {one: int(found) for one, found in zip(features.service_ids, nearest, strict=True)}
        return Archetypes(
            self.features,
            self.mean,
            self.scale,
            self.centers,
            self.names,
            added | dict(self.assigned),
            self.teachers,
        )

    def name_of(self, service_id: str) -> str | None:
        """Its archetype in words with the number of other services behind it; None where it has none."""
        found = self.assigned.get(service_id)
        if found is None:
            return None
        others = self.sizes[found] - (service_id in self.teachers)
        return f"{self.names[found]} ({count_text(others, 'other')})"

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Teachers per archetype."""
        counts = np.bincount([self.assigned[one] for one in self.teachers], minlength=len(self.names))
        return tuple(int(count) for count in counts)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything in it that a recommendation depends on, hexadecimal."""
        said = [sorted(self.assigned.items()), sorted(self.teachers), list(self.names)]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {
            "features": list(self.features),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "centers": self.centers.tolist(),
            "names": list(self.names),
            "assigned": dict(self.assigned),
            "teachers": sorted(self.teachers),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None) -> Archetypes:
        """From ``to_dict``; None: none."""
        if not data:
            return cls.none()
        features = tuple(data["features"])
        return cls(
            features,
            np.asarray(data["mean"], dtype=np.float64),
            np.asarray(data["scale"], dtype=np.float64),
            np.asarray(data["centers"], dtype=np.float64).reshape(-1, len(features)),
            tuple(data["names"]),
            {str(one): int(found) for one, found in data["assigned"].items()},
            frozenset(data["teachers"]),
        )


@dataclass(frozen=True)
class Standardised:
    """Rows of the services that teach: mean 0 and deviation 1 a column, unknown values at the mean.

    The columns of one family (protocols, runtimes) together weigh as one feature.
    """

    names: tuple[str, ...]
    mean: FloatArray
    scale: FloatArray
    values: FloatArray


def standardised(features: Features, teachers: Sequence[str]) -> Standardised:
    """Features of the teachers; columns that do not vary among them, or that few know, are left out."""
    index = {one: row for row, one in enumerate(features.service_ids)}
    raw = features.values[[index[one] for one in teachers]]
    known = ~np.isnan(raw)
    counts = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, raw, 0.0).sum(axis=0) / counts
    deviation = np.sqrt((np.where(known, raw - mean, 0.0) ** 2).sum(axis=0) / counts)
    keep = np.flatnonzero((deviation > 1e-9) & (known.mean(axis=0) >= 0.5))
    names = tuple(features.names[column] for column in keep)
    families = [name.split(":")[0] for name in names]
    size = np.array([float(families.count(family)) for family in families])
    mean, scale = mean[keep], deviation[keep] * np.sqrt(size)
    values = np.where(known[:, keep], (raw[:, keep] - mean) / scale, 0.0)
    return Standardised(names, mean, scale, values)


def archetypes_from(
    features: Features, teachers: Sequence[str], table: Standardised, labels: npt.NDArray[np.int64]
) -> Archetypes:
    """Archetypes of groups that were found: labels 0, 1, … of the teachers, in their order.

    Groups are numbered from the largest on, so that the same groups always get the same numbers.
    """
    found, first, counts = np.unique(labels, return_index=True, return_counts=True)
    if len(found) < 2:
        return Archetypes.none()
    order = np.lexsort((first, -counts))
    rank = {int(found[position]): new for new, position in enumerate(order)}
    new_labels = np.array([rank[int(label)] for label in labels], dtype=np.int64)
    centers = np.stack([table.values[new_labels == group].mean(axis=0) for group in range(len(found))])
    index = {one: row for row, one in enumerate(features.service_ids)}
    rows = np.array([index[one] for one in teachers])
    names = name_archetypes(features.names, features.values[rows], new_labels)
    learnt = Archetypes(table.names, table.mean, table.scale, centers, names, {}, frozenset(teachers))
    nearest = {one: int(a) for one, a in zip(features.service_ids, learnt.nearest(features), strict=True)}
    taught = {one: int(a) for one, a in zip(teachers, new_labels, strict=True)}
    return Archetypes(table.names, table.mean, table.scale, centers, names, nearest | taught, frozenset(teachers))
