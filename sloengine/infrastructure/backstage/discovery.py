"""``DependencyDiscovery`` over Backstage's catalogue API."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.discovered import Discovered
from sloengine.infrastructure.backstage.client import BackstageClient
from sloengine.infrastructure.backstage.reading import CatalogueRules, read_catalogue


@dataclass
class BackstageDiscovery:
    """Lists what the catalogue declares."""

    client: BackstageClient
    rules: CatalogueRules = field(default_factory=CatalogueRules)

    @property
    def source(self) -> DiscoverySource:
        """Claims of Backstage."""
        return DiscoverySource.BACKSTAGE

    @property
    def name(self) -> str:
        """For the command line."""
        return "backstage"

    async def discover(self, since: datetime, until: datetime) -> Discovered:
        """What is declared now: a catalogue has no past, so the range does not matter. Raises ``Unavailable``."""
        pages = await self.client.entities()
        found = read_catalogue(pages.entities, self.rules)
        if found.services and not pages.whole:
            hint = (
                "The catalogue may have changed between two pages; nothing is withdrawn because of this reading."
            )
            found = replace(found, complete=False, warnings=(*found.warnings, hint))
        return replace(found, queries=tuple(pages.queries))
