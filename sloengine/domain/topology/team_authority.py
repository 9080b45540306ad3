"""Whose word makes a team. Members of a service's team decide on its SLOs, so sources give none by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sloengine.domain.topology.dependency import DiscoverySource

ANY_TEAM = None


@dataclass(frozen=True, slots=True)
class TeamAuthority:
    """Teams that each source may give to services without one.

    ``given_by``: by source, ``ANY_TEAM`` for all; a source that is absent gives none. A person (MANUAL) may give
    any, and is the only one who may move a service from one team to another. ``settings``: by source, what an
    administrator sets to change that, for messages.
    """

    given_by: Mapping[DiscoverySource, frozenset[str] | None] = field(default_factory=dict)
    settings: Mapping[DiscoverySource, str] = field(default_factory=dict)

    def gives(self, source: DiscoverySource, team: str) -> bool:
        """Whether this source's word makes ``team`` the team of a service that has none.

        >>> TeamAuthority({DiscoverySource.K8S: frozenset({"shop"})}).gives(DiscoverySource.K8S, "shop")
        True
        >>> TeamAuthority().gives(DiscoverySource.BACKSTAGE, "shop"), TeamAuthority().gives(
        ...     DiscoverySource.MANUAL, "shop"
        ... )
        (False, True)
        """
        if source is DiscoverySource.MANUAL:
            return True
        teams = self.given_by.get(source, frozenset())
        return teams is ANY_TEAM or team in teams

    def refusal(self, source: DiscoverySource, team: str) -> str:
        """Why not, and what to do."""
        setting = self.settings.get(source)
        how = f"unless {setting} says so" if setting else "whatever is set"
        return (
            f"team {team!r} was not taken: {source} gives no such team {how}. Register the service with its team, "
            "or ingest the row as MANUAL"
        )


def may_move(source: DiscoverySource) -> bool:
    """Whether this source may give a service another team than it has."""
    return source is DiscoverySource.MANUAL


def team_stays(service_id: str, team: str, source: DiscoverySource, other: str) -> str:
    """What is told where a source says another team than the graph."""
    return (
        f"{service_id} stays with team {team}, although {source} says {other}: discovery moves no service to "
        "another team. Register it with that team if that is meant."
    )
