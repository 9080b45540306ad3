"""What discovery keeps: the name rules in force, and when each source was read last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.name_rules import NameRules


@dataclass(frozen=True, slots=True)
class StoredNameRules:
    """Rules as somebody saved them."""

    rules: NameRules
    saved_by: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class DiscoveryRun:
    """The newest reading of one source that was not a dry run.

    ``error`` None: it went well. ``ingestion_id`` None: there was nothing to take in.
    """

    source: DiscoverySource
    started_at: datetime
    since: datetime
    until: datetime
    services: int = 0
    dependencies: int = 0
    ingestion_id: str | None = None
    warnings: tuple[str, ...] = ()
    error: str | None = None


class DiscoveryStore(Protocol):
    """Durable; writes replace what was there."""

    async def name_rules(self) -> StoredNameRules | None:
        """The rules that somebody saved; None: nobody did, the shipped ones are in force."""
        ...

    async def save_name_rules(self, stored: StoredNameRules) -> None:
        """Replace all rules."""
        ...

    async def runs(self) -> Mapping[DiscoverySource, DiscoveryRun]:
        """The newest run of each source that ever ran."""
        ...

    async def note_run(self, run: DiscoveryRun) -> None:
        """Replace the source's newest run."""
        ...
