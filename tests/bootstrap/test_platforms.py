"""Settings to the platforms that discovery reads."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from sloengine.bootstrap.platforms import MISSING_PLATFORMS, platforms, team_authority
from sloengine.bootstrap.settings import Settings
from sloengine.domain.errors import Unavailable
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.service import Criticality
from sloengine.domain.topology.team_authority import TeamAuthority
from sloengine.infrastructure.backstage.discovery import BackstageDiscovery
from sloengine.infrastructure.kubernetes.discovery import KubernetesDiscovery
from sloengine.infrastructure.kubernetes.reading_rules import ReadingRules

NOW = datetime(2026, 11, 26, tzinfo=UTC)


async def made(**settings: Any) -> list[Any]:
    async with AsyncExitStack() as stack:
        return platforms(Settings(**settings), stack)


async def test_what_has_no_address_is_not_there():
    assert await made() == []


async def test_both_platforms_come_from_their_addresses():
    kubernetes, backstage = await made(
        kubernetes_url="http://127.0.0.1:8001",
        backstage_url="https://backstage.test",
        backstage_token=SecretStr("hidden"),
    )

    assert isinstance(kubernetes, KubernetesDiscovery)
    assert isinstance(backstage, BackstageDiscovery)
    assert (kubernetes.source, backstage.source) == (DiscoverySource.K8S, DiscoverySource.BACKSTAGE)
    assert {kubernetes.name, backstage.name} <= MISSING_PLATFORMS.keys()
    assert kubernetes.rules == ReadingRules()


def given(teams: TeamAuthority, source: DiscoverySource) -> list[str]:
    return [team for team in ("web", "pay", "storefront") if teams.gives(source, team)]


async def test_lists_and_mappings_are_written_with_commas(monkeypatch):
    for name, text in {
        "KUBERNETES_URL": "http://127.0.0.1:8001",
        "KUBERNETES_NAMESPACES": "shop, pay",
        "KUBERNETES_TEAM_KEYS": "team, owner",
        "KUBERNETES_TEAMS": "web, pay",
        "BACKSTAGE_URL": "https://backstage.test",
        "BACKSTAGE_TEAMS": "Group:default/Web = storefront",
        "BACKSTAGE_CRITICALITY_TAGS": "Tier-1=critical,tier-2=High",
    }.items():
        monkeypatch.setenv(f"SLOENGINE_{name}", text)

    kubernetes, backstage = await made()

    assert kubernetes.namespaces == ("shop", "pay")
    assert (kubernetes.rules.team_keys, kubernetes.rules.teams) == (("team", "owner"), ("web", "pay"))
    assert backstage.rules.teams == {"group:default/web": "storefront"}
    assert backstage.rules.criticality_tags == {"tier-1": Criticality.CRITICAL, "tier-2": Criticality.HIGH}
    teams = team_authority(Settings())
    assert [team for team in ("web", "storefront", "pay") if teams.gives(DiscoverySource.K8S, team)] == [
        "web",
        "pay",
    ]
    assert [team for team in ("web", "storefront") if teams.gives(DiscoverySource.BACKSTAGE, team)] == [
        "storefront"
    ]


def test_without_settings_no_source_gives_a_team_and_label_keys_alone_give_any():
    nobody = team_authority(Settings())
    labels = team_authority(Settings(kubernetes_team_keys=("team",)))

    assert not any(
        nobody.gives(source, "web") for source in DiscoverySource if source is not DiscoverySource.MANUAL
    )
    assert nobody.gives(DiscoverySource.MANUAL, "web")
    assert labels.gives(DiscoverySource.K8S, "web")
    assert not labels.gives(DiscoverySource.BACKSTAGE, "web")


def test_a_mapping_without_a_meaning_is_refused_at_the_start():
    with pytest.raises(ValidationError, match="has to look like a=b, c=d"):
        Settings(backstage_teams="group:default/web")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"kubernetes_url": "in-cluster"}, "this is no pod"),
        ({"kubernetes_url": "https://kube.test", "kubernetes_ca_file": "/nowhere/ca.crt"}, "cannot be read"),
        ({"kubernetes_url": "http://kube.test", "kubernetes_token": SecretStr("t")}, "in the clear"),
        (
            {"backstage_url": "https://backstage.test", "backstage_criticality_tags": {"tier-1": "very"}},
            "SLOENGINE_BACKSTAGE_CRITICALITY_TAGS has 'very'",
        ),
    ],
)
async def test_a_setting_that_cannot_be_meant_so_is_told_when_it_is_read(monkeypatch, settings, says):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    (platform,) = await made(**settings)

    with pytest.raises(Unavailable, match=says):
        await platform.discover(NOW, NOW)
