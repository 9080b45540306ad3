"""When an SLO counts as at risk, and when no longer."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_PROBABILITY = 0.3
_REARM_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class RiskThreshold:
    """At risk from ``probability`` on, until it has fallen to half of that: one that wavers is told of once.

    Raises: ValueError, if it does not lie in (0, 1].
    """

    probability: float = DEFAULT_PROBABILITY

    def __post_init__(self) -> None:
        """Refuse what can never, or always, be crossed."""
        if not 0 < self.probability <= 1:
            raise ValueError(
                f"the probability from which an SLO is at risk must lie in (0, 1], not {self.probability}"
            )

    def is_crossed(self, probability: float, *, may_alarm: bool = True) -> bool | None:
        """True: at risk; False: not; None: between the two, it stays what it was.

        ``may_alarm`` False: a forecast that is good enough to end a risk, not to begin one.

        >>> [RiskThreshold(0.3).is_crossed(told) for told in (0.3, 0.2, 0.15)]
        [True, None, False]
        """
        if probability >= self.probability:
            return True if may_alarm else None
        return False if probability <= self.probability * _REARM_SHARE else None
