"""All that has been learnt from finished forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sloengine.domain.forecast.conformal import AdaptiveLevels
from sloengine.domain.forecast.probability_map import ProbabilityMap

SCHEMA = 2


@dataclass(frozen=True)
class Learnt:
    """``levels`` give quantiles; ``probability`` corrects what these say of the budget running out."""

    levels: AdaptiveLevels
    probability: ProbabilityMap

    @classmethod
    def fresh(cls) -> Learnt:
        """No forecast is over yet: the model's levels, the shipped map."""
        return cls(AdaptiveLevels.fresh(), ProbabilityMap.shipped())

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {"schema": SCHEMA, "levels": self.levels.to_dict(), "probability": self.probability.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Learnt:
        """From ``to_dict``. Raises ValueError on another schema: it is learnt anew."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"forecasts learnt in schema {data.get('schema')}, this engine reads {SCHEMA}")
        return cls(AdaptiveLevels.from_dict(data["levels"]), ProbabilityMap.from_dict(data["probability"]))
