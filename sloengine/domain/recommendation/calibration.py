"""The recalibration map between what the model says and what has been seen to hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import betainc

KNOTS: tuple[float, ...] = (
    *(round(0.02 * k, 2) for k in range(1, 40)),
    *(round(0.8 + 0.005 * k, 3) for k in range(40)),
    0.9975,
    0.999,
)
"""Levels at which a map is written down; between them it is straight."""
SHIPPED_WINDOWS = 100.0
"""The shipped map counts as so many independent windows."""


@dataclass(frozen=True)
class CalibrationMap:
    """A monotone map from the model's level to the share of windows in which such targets held.

    ``model_levels`` and ``attained``: knots in [0, 1], both strictly ascending, (0, 0) and (1, 1) understood;
    none means identity. ``source`` says what it was learnt on; ``own_weight``: share that the organisation's own
    finished windows have in it; ``own_windows``: independent ones among them that it was learnt on.
    """

    model_levels: tuple[float, ...] = ()
    attained: tuple[float, ...] = ()
    source: str = "identity: no map learnt yet"
    own_weight: float = 0.0
    own_windows: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a map that cannot be inverted.

        Raises: ValueError, if the knots are not strictly ascending within (0, 1).
        """
        if len(self.model_levels) != len(self.attained):
            raise ValueError("model_levels and attained must have as many knots")
        for knots in (self.model_levels, self.attained):
            if any(b <= a for a, b in zip((0.0, *knots), (*knots, 1.0), strict=True)):
                raise ValueError("knots must ascend strictly within (0, 1)")

    @classmethod
    def beta(cls, a: float, b: float, source: str) -> CalibrationMap:
        """The distribution function of a beta law: attained(p) = I_p(a, b); a = b = 1 is the identity.

        Raises: ValueError, if a or b is not positive.
        """
        if not (a > 0 and b > 0):
            raise ValueError("a and b must be positive")
        return cls(KNOTS, _apart(betainc(a, b, np.array(KNOTS))), source)

    def probability_of(self, model_level: float) -> float:
        """How often targets at this level of the model hold."""
        return float(np.interp(model_level, (0.0, *self.model_levels, 1.0), (0.0, *self.attained, 1.0)))

    def level_for(self, probability: float) -> float:
        """Level to ask of the model so that targets hold this often; the inverse of ``probability_of``."""
        return float(np.interp(probability, (0.0, *self.attained, 1.0), (0.0, *self.model_levels, 1.0)))

    def never_tighter(self) -> CalibrationMap:
        """This map where it makes targets more careful, the identity where it would make them tighter."""
        attained = np.minimum(self.attained, self.model_levels)
        return replace(self, attained=_apart(attained))

    def with_own(self, own: CalibrationMap | None) -> CalibrationMap:
        """This map giving way to one learnt on ``own_windows`` independent finished windows of the organisation.

        Weight n / (n + 100): attained shares are averaged at each level of the model. None, or one learnt on no
        window: this map.
        """
        if own is None or own.own_windows <= 0:
            return self
        weight = own.own_windows / (own.own_windows + SHIPPED_WINDOWS)
        source = f"{weight:.0%} {own.source}; else {self.source}"
        mixed = (1 - weight) * self._at(KNOTS) + weight * own._at(KNOTS)
        return CalibrationMap(KNOTS, _apart(mixed), source, weight, own.own_windows)

    def _at(self, levels: Sequence[float]) -> np.ndarray:
        return np.asarray(np.interp(levels, (0.0, *self.model_levels, 1.0), (0.0, *self.attained, 1.0)))

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {
            "modelLevels": list(self.model_levels),
            "attained": list(self.attained),
            "source": self.source,
            "ownWeight": self.own_weight,
            "ownWindows": self.own_windows,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CalibrationMap:
        """From ``to_dict``. Raises ValueError on knots that cannot be inverted."""
        return cls(
            tuple(data["modelLevels"]),
            tuple(data["attained"]),
            data["source"],
            float(data["ownWeight"]),
            float(data["ownWindows"]),
        )


def _apart(values: np.ndarray) -> tuple[float, ...]:
    """Ascending strictly within (0, 1), where rounding has made neighbours equal."""
    least = np.arange(1, len(values) + 1) * 1e-9
    most = 1.0 - least[::-1]
    return tuple(np.minimum(np.maximum.accumulate(np.maximum(values, least)) + least, most).tolist())
