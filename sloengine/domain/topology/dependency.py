"""An edge of the graph: a caller, what it calls, and who says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


def stated_attempts(value: object) -> int | None:
    """Tries in all, the first among them, as a source wrote it: 3, 3.0 or "3"; None: no whole number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return int(number) if number.is_integer() and number >= 1.0 else None


class DependencyMode(StrEnum):
    """Whether the caller waits for the answer."""

    SYNC = "SYNC"
    ASYNC = "ASYNC"


class DependencyCriticality(StrEnum):
    """What the dependency's failure does to the caller's request."""

    HARD = "HARD"
    DEGRADED = "DEGRADED"
    SOFT = "SOFT"


class DiscoverySource(StrEnum):
    """Who states a dependency."""

    MANUAL = "MANUAL"
    OTEL = "OTEL"
    K8S = "K8S"
    MESH = "MESH"
    BACKSTAGE = "BACKSTAGE"


@dataclass(frozen=True, slots=True)
class EdgeAttributes:
    """What a source may say about an edge; None: it did not say.

    ``call_weight``: calls per request of the caller, > 0, above 1 is normal. ``required``: k of the members of
    ``redundancy_group`` that the caller needs.
    """

    mode: DependencyMode | None = None
    criticality: DependencyCriticality | None = None
    protocol: str | None = None
    timeout_ms: int | None = None
    retry_config: Mapping[str, Any] | None = None
    call_weight: float | None = None
    redundancy_group: str | None = None
    required: int | None = None


@dataclass(frozen=True, slots=True)
class DependencyClaim:
    """One source's statement that a caller depends on a service. ``confidence`` in [0, 1]."""

    caller: str
    dependency: str
    source: DiscoverySource
    confidence: float
    first_seen_at: datetime
    last_seen_at: datetime
    attributes: EdgeAttributes = EdgeAttributes()


@dataclass(frozen=True, slots=True)
class Dependency:
    """The merge of all claims on one (caller, dependency) pair.

    ``mode`` and ``criticality`` are filled with SYNC and HARD where no source said; the names of the filled
    attributes stand in ``assumed``. ``call_weight`` None: not known; counts as 1 and is listed as an
    assumption.
    """

    caller: str
    dependency: str
    mode: DependencyMode = DependencyMode.SYNC
    criticality: DependencyCriticality = DependencyCriticality.HARD
    assumed: tuple[str, ...] = ()
    protocol: str | None = None
    timeout_ms: int | None = None
    retry_config: Mapping[str, Any] | None = None
    call_weight: float | None = None
    redundancy_group: str | None = None
    required: int | None = None
    confidence: float = 1.0
    is_stale: bool = False
    last_observed_at: datetime | None = None
    claims: tuple[DependencyClaim, ...] = field(default=())

    @property
    def pair(self) -> tuple[str, str]:
        """(caller, dependency)."""
        return self.caller, self.dependency

    @property
    def attempts(self) -> int:
        """How often a call is tried in all, by ``attempts`` of ``retry_config``; 1 where nobody says."""
        return stated_attempts(self.retry_config.get("attempts")) or 1 if self.retry_config else 1
