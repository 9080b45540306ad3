"""All that has been learnt from finished forecasts, apart for rolling windows and for months."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from sloengine.domain.forecast import shipped_correction
from sloengine.domain.forecast.conformal import AdaptiveLevels
from sloengine.domain.forecast.horizon import is_calendar
from sloengine.domain.forecast.probability_map import ProbabilityMap, fitted
from sloengine.domain.reliability.panel import FloatArray
from sloengine.domain.reliability.window import ComplianceWindow

SCHEMA = 4


@dataclass(frozen=True)
class Correction:
    """``levels`` give quantiles; ``probability`` corrects what the draws say of the budget running out.

    Not through the levels: these follow what came of each week, and its chance would be in the probability.
    """

    levels: AdaptiveLevels
    probability: ProbabilityMap

    @classmethod
    def shipped(cls, window: ComplianceWindow) -> Correction:
        """No forecast is over yet: what simulated organisations have taught."""
        used = shipped_correction.MONTH_LEVELS if is_calendar(window) else shipped_correction.ROLLING_LEVELS
        return cls(AdaptiveLevels(np.array(used)), ProbabilityMap.shipped(window))

    def exhausted(self, within: FloatArray | float, spent: FloatArray | float) -> FloatArray:
        """Probability that the budget runs out; ``within``: share of the model's draws that stay within it.

        ``spent``: share of the budget as the forecast is made.
        """
        return self.probability.of(1.0 - np.asarray(within), spent)


@dataclass(frozen=True)
class FinishedOrigin:
    """Forecasts made at one moment of which all are over, shape (n,) each.

    ``within``: share of the model's draws that stayed within the budget; ``spent``: share of it at that moment;
    ``ranks``: of each outcome among the draws (:func:`~sloengine.domain.forecast.conformal.random_rank`);
    ``ran_out``: 1 where the budget did.
    """

    made_at: datetime
    over_at: datetime
    within: FloatArray
    spent: FloatArray
    ranks: FloatArray
    ran_out: FloatArray


def learnt_from(finished: Sequence[FinishedOrigin], start: Correction) -> Correction:
    """The correction after these origins, oldest first.

    Origins that are over at the same moment, as all of a month are, tell of the same outcomes: together they move
    the levels by one step, and for the ratio they are one cluster.
    """
    levels = start.levels
    for one in finished:
        levels = levels.after(one.ranks, 1.0 / sum(other.over_at == one.over_at for other in finished))
    ends = [one.over_at.timestamp() for one in finished]
    probability = fitted(
        np.concatenate([np.zeros(0), *(1.0 - one.within for one in finished)]),
        np.concatenate([np.zeros(0), *(one.ran_out for one in finished)]),
        np.repeat(np.array(ends), [len(one.ranks) for one in finished]),
        start.probability,
        spent=np.concatenate([np.zeros(0), *(one.spent for one in finished)]),
    )
    return Correction(levels, probability)


@dataclass(frozen=True)
class Learnt:
    """``rolling``: from weeks ahead in rolling windows; ``month``: from the rests of calendar months."""

    rolling: Correction
    month: Correction

    @classmethod
    def fresh(cls) -> Learnt:
        """No forecast is over yet."""
        return cls(*(Correction.shipped(window) for window in KINDS))

    def of(self, window: ComplianceWindow) -> Correction:
        """What belongs to this kind of window."""
        return self.month if is_calendar(window) else self.rolling

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON data."""
        return {
            "schema": SCHEMA,
            **{
                name: {"levels": one.levels.to_dict(), "probability": one.probability.to_dict()}
                for name, one in (("rolling", self.rolling), ("month", self.month))
            },
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Learnt:
        """From ``to_dict``. Raises ValueError on another schema: it is learnt anew."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"forecasts learnt in schema {data.get('schema')}, this engine reads {SCHEMA}")
        return cls(
            *(
                Correction(AdaptiveLevels.from_dict(one["levels"]), ProbabilityMap.from_dict(one["probability"]))
                for one in (data["rolling"], data["month"])
            )
        )


KINDS = (ComplianceWindow.ROLLING_28D, ComplianceWindow.CALENDAR_MONTH)
"""One window of each kind, in the order of ``Learnt``."""
