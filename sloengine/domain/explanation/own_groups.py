"""The feature groups that a service's own history is cut into when its availability target is explained."""

from __future__ import annotations

from dataclasses import dataclass

RELIABILITY, CLUSTERING, TRAFFIC, TREND, COVERAGE = range(5)
OWN_GROUPS = ("own reliability", "incident clustering", "traffic volume", "trend", "data coverage")
ALL_OWN = (1 << len(OWN_GROUPS)) - 1


@dataclass(frozen=True)
class OwnGroups:
    """Which of the service's own groups are in."""

    reliability: bool
    clustering: bool
    traffic: bool
    trend: bool
    coverage: bool

    @classmethod
    def of(cls, code: int) -> OwnGroups:
        """Bit g of the code: group g."""
        return cls(*(bool(code >> group & 1) for group in range(len(OWN_GROUPS))))


EVERY_OWN = tuple(OwnGroups.of(code) for code in range(ALL_OWN + 1))
