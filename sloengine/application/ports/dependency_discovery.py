"""A real system that knows who calls whom, or who is declared to."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.discovered import Discovered


class DependencyDiscovery(Protocol):
    """Reads one system. Names stay as the system has them: name rules are applied by the use case."""

    @property
    def source(self) -> DiscoverySource:
        """Whose claims its findings become. Several readings may speak for one source (OTel metrics, Tempo)."""
        ...

    @property
    def name(self) -> str:
        """Short and unique, for the command line: ``service-graph``, ``tempo``, ``istio``, ``k8s``."""
        ...

    async def discover(self, since: datetime, until: datetime) -> Discovered:
        """What was called in [since, until), or is listed now, with few and bounded requests.

        A system that is there and knows nothing gives an empty ``Discovered`` with a warning that says what to
        switch on. Raises ``Unavailable`` when it does not answer, after the adapter's own retries, or refuses: a
        listing that could be read only in part must not come back as complete. Raises ``TooLarge`` for a range
        that would take too many requests.
        """
        ...
