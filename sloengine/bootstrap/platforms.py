"""The platforms that discovery reads, as the settings name them."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr

from sloengine.application.ports.dependency_discovery import DependencyDiscovery
from sloengine.bootstrap.settings import Settings
from sloengine.domain.errors import DomainError, Invalid, Unavailable
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.discovered import Discovered
from sloengine.domain.topology.service import Criticality
from sloengine.domain.topology.team_authority import ANY_TEAM, TeamAuthority
from sloengine.infrastructure.backstage.client import BackstageClient
from sloengine.infrastructure.backstage.discovery import BackstageDiscovery
from sloengine.infrastructure.backstage.reading import CatalogueRules
from sloengine.infrastructure.kubernetes.access import KubernetesAccess, kubernetes_access
from sloengine.infrastructure.kubernetes.client import KubernetesClient
from sloengine.infrastructure.kubernetes.discovery import KubernetesDiscovery
from sloengine.infrastructure.kubernetes.reading_rules import ReadingRules

_KUBERNETES_HINT = "Set SLOENGINE_KUBERNETES_URL to in-cluster, or to an API server's address."
_BACKSTAGE_HINT = "Set SLOENGINE_BACKSTAGE_URL and SLOENGINE_BACKSTAGE_TOKEN."
MISSING_PLATFORMS = {
    "K8S": _KUBERNETES_HINT,
    "k8s": _KUBERNETES_HINT,
    "BACKSTAGE": _BACKSTAGE_HINT,
    "backstage": _BACKSTAGE_HINT,
}
"""What to set, by source and by name of the reading."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A platform whose settings cannot be meant so: told when it is read, so that everything else runs."""

    source: DiscoverySource
    name: str
    reason: str

    async def discover(self, since: datetime, until: datetime) -> Discovered:
        """Raises ``Unavailable``, with the reason."""
        raise Unavailable(self.reason)


def platforms(settings: Settings, stack: AsyncExitStack) -> list[DependencyDiscovery]:
    """Kubernetes and Backstage, where their addresses are set. Nothing is asked before the first reading."""
    found: list[DependencyDiscovery] = []
    if settings.kubernetes_url:
        try:
            kubernetes = KubernetesClient(
                _access(settings, settings.kubernetes_url), settings.kubernetes_page_size
            )
        except DomainError as error:
            found.append(Unusable(DiscoverySource.K8S, "k8s", error.message))
        else:
            stack.push_async_callback(kubernetes.close)
            found.append(KubernetesDiscovery(kubernetes, settings.kubernetes_namespaces, _reading_rules(settings)))
    if settings.backstage_url:
        try:
            rules = _catalogue_rules(settings)
        except DomainError as error:
            found.append(Unusable(DiscoverySource.BACKSTAGE, "backstage", error.message))
        else:
            backstage = BackstageClient(settings.backstage_url, _plain(settings.backstage_token))
            stack.push_async_callback(backstage.close)
            found.append(BackstageDiscovery(backstage, rules))
    return found


def team_authority(settings: Settings) -> TeamAuthority:
    """Which teams the two may give, by whichever way their word comes in."""
    given: dict[DiscoverySource, frozenset[str] | None] = {
        DiscoverySource.BACKSTAGE: frozenset((settings.backstage_teams or {}).values())
    }
    if settings.kubernetes_team_keys:
        given[DiscoverySource.K8S] = frozenset(settings.kubernetes_teams) or ANY_TEAM
    return TeamAuthority(
        given,
        {
            DiscoverySource.BACKSTAGE: "SLOENGINE_BACKSTAGE_TEAMS",
            DiscoverySource.K8S: "SLOENGINE_KUBERNETES_TEAM_KEYS (with SLOENGINE_KUBERNETES_TEAMS)",
        },
    )


def _access(settings: Settings, url: str) -> KubernetesAccess:
    return kubernetes_access(
        url,
        token=_plain(settings.kubernetes_token),
        token_file=settings.kubernetes_token_file,
        ca_file=settings.kubernetes_ca_file,
        environment=os.environ,
    )


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _reading_rules(settings: Settings) -> ReadingRules:
    return ReadingRules(
        name_keys=settings.kubernetes_name_keys,
        team_keys=settings.kubernetes_team_keys,
        teams=settings.kubernetes_teams,
        criticality_key=settings.kubernetes_criticality_key,
        depends_on_key=settings.kubernetes_depends_on_key,
        excluded_namespaces=settings.kubernetes_excluded_namespaces,
    )


def _catalogue_rules(settings: Settings) -> CatalogueRules:
    teams = settings.backstage_teams or {}
    tags = settings.backstage_criticality_tags or {}
    unknown = sorted(word for word in tags.values() if word.upper() not in Criticality.__members__)
    if unknown:
        raise Invalid(
            f"SLOENGINE_BACKSTAGE_CRITICALITY_TAGS has {unknown[0]!r}: write critical, high, medium or low"
        )
    return CatalogueRules(
        criticality_key=settings.backstage_criticality_key,
        criticality_tags={tag.lower(): Criticality[word.upper()] for tag, word in tags.items()},
        left_out_types=tuple(kind.lower() for kind in settings.backstage_left_out_types),
        teams={ref.lower(): team for ref, team in teams.items()},
    )
