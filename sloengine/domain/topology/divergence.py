"""Where what is declared and what is observed disagree.

Absence is a statement only where somebody looks: that nobody observes a dependency means nothing where nobody
watches the caller's calls, and that nobody declares it means nothing where nobody declares any of the caller's.
Everything here is of one caller and depends on the set of its claims only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.merging import SOURCE_TTL

#: Who sees calls as they are made.
OBSERVING = frozenset({DiscoverySource.OTEL, DiscoverySource.MESH})
#: Who says that there should be calls: people, manifests, a catalogue.
DECLARING = frozenset({DiscoverySource.MANUAL, DiscoverySource.K8S, DiscoverySource.BACKSTAGE})
#: So long both must have been there, the declaration and somebody who watches, before silence means anything: a
#: weekly call is seen by then, and after as long an observed dependency that fell silent turns stale.
WATCHED_LONG_ENOUGH = timedelta(days=7)


class DivergenceKind(StrEnum):
    """Which of the two is missing."""

    DECLARED_ONLY = "DECLARED_ONLY"
    OBSERVED_ONLY = "OBSERVED_ONLY"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One source's claim on a dependency of a caller, as far as it matters here."""

    dependency: str
    source: DiscoverySource
    first_seen_at: datetime
    last_seen_at: datetime

    def expires_at(self) -> datetime | None:
        """When the source's word stops holding unless it is repeated; None: never."""
        ttl = SOURCE_TTL[self.source]
        return None if ttl is None else self.last_seen_at + ttl

    def holds(self, now: datetime) -> bool:
        """Whether it is within its source's time to live."""
        expires_at = self.expires_at()
        return expires_at is None or now < expires_at


@dataclass(frozen=True, slots=True)
class Divergence:
    """A dependency that is declared and not observed, or observed and not declared.

    ``since``: from when on it has been so. ``divergence_id`` is the same whenever it is found again.
    """

    divergence_id: str
    kind: DivergenceKind
    caller: str
    dependency: str
    declared_by: tuple[DiscoverySource, ...]
    observed_by: tuple[DiscoverySource, ...]
    since: datetime
    message: str


def find_divergences(caller: str, sightings: Iterable[Sighting], now: datetime) -> tuple[Divergence, ...]:
    """All divergences of one caller as of ``now``, by dependency; ``sightings``: all claims on its dependencies.

    - *Declared only*: a declaring source's word holds, no observing source's does, and the declaration and an
      observing source that sees other calls of this caller have both been there for ``WATCHED_LONG_ENOUGH``.
    - *Observed only*: an observing source's word holds, no declaring source's does, and a declaring source names
      other dependencies of this caller.
    """
    every = sorted(sightings, key=lambda one: (one.dependency, one.source))
    watching = _covering(every, OBSERVING, now)
    declaring = _covering(every, DECLARING, now)
    if not watching or not declaring:
        return ()
    found = [
        one
        for dependency, about in _by_dependency(every).items()
        if (one := _divergence(caller, dependency, about, watching, declaring, now)) is not None
    ]
    return tuple(found)


def _covering(
    sightings: Sequence[Sighting], kinds: frozenset[DiscoverySource], now: datetime
) -> dict[DiscoverySource, datetime]:
    """Sources of this kind whose word on any dependency of the caller holds, and since when they have had one."""
    sources = {one.source for one in sightings if one.source in kinds and one.holds(now)}
    return {
        source: min(one.first_seen_at for one in sightings if one.source is source) for source in sorted(sources)
    }


def _by_dependency(sightings: Sequence[Sighting]) -> dict[str, list[Sighting]]:
    grouped: dict[str, list[Sighting]] = {}
    for one in sightings:
        grouped.setdefault(one.dependency, []).append(one)
    return grouped


def _divergence(
    caller: str,
    dependency: str,
    about: Sequence[Sighting],
    watching: Mapping[DiscoverySource, datetime],
    declaring: Mapping[DiscoverySource, datetime],
    now: datetime,
) -> Divergence | None:
    declared = [one for one in about if one.source in DECLARING and one.holds(now)]
    observed = [one for one in about if one.source in OBSERVING and one.holds(now)]
    if bool(declared) == bool(observed):
        return None
    if declared:
        both_since = max(min(one.first_seen_at for one in declared), min(watching.values()))
        if now - both_since < WATCHED_LONG_ENOUGH:
            return None
        kind, silent = DivergenceKind.DECLARED_ONLY, [one for one in about if one.source in OBSERVING]
        message = _declared_only(caller, dependency, declared, watching, silent)
    else:
        both_since = max(min(one.first_seen_at for one in observed), min(declaring.values()))
        kind, silent = DivergenceKind.OBSERVED_ONLY, [one for one in about if one.source in DECLARING]
        message = _observed_only(caller, dependency, observed, declaring)
    # A word that no longer holds did so until it expired.
    fell_silent = [at for one in silent if (at := one.expires_at()) is not None]
    return Divergence(
        divergence_id=_id_of(kind, caller, dependency),
        kind=kind,
        caller=caller,
        dependency=dependency,
        declared_by=tuple(one.source for one in declared),
        observed_by=tuple(one.source for one in observed),
        since=max([both_since, *fell_silent]),
        message=message,
    )


def _id_of(kind: DivergenceKind, caller: str, dependency: str) -> str:
    digest = hashlib.sha256("\x00".join((kind, caller, dependency)).encode()).hexdigest()
    return f"divergence-{digest[:16]}"


def _declared_only(
    caller: str,
    dependency: str,
    declared: Sequence[Sighting],
    watching: Mapping[DiscoverySource, datetime],
    seen_before: Sequence[Sighting],
) -> str:
    seen = "has seen no such call" if len(watching) == 1 else "have seen no such call"
    if seen_before:
        seen += f" since {max(one.last_seen_at for one in seen_before):%Y-%m-%d}"
    has = "has" if len(watching) == 1 else "have"
    since = f"{min(watching.values()):%Y-%m-%d}"
    return (
        f"{caller} → {dependency} is declared by {_names(one.source for one in declared)}, but {_names(watching)},"
        f" which {has} watched {caller} since {since}, {seen}. Withdraw it if the call is gone; if it is made, see"
        " that it is traced."
    )


def _observed_only(
    caller: str,
    dependency: str,
    observed: Sequence[Sighting],
    declaring: Mapping[DiscoverySource, datetime],
) -> str:
    sees = "sees" if len(observed) == 1 else "see"
    name, do = ("names", "does") if len(declaring) == 1 else ("name", "do")
    return (
        f"{_names(one.source for one in observed)} {sees} {caller} call {dependency}, but {_names(declaring)},"
        f" which {name} other dependencies of {caller}, {do} not declare it. Say what its failure does to the"
        " caller; until then that is assumed."
    )


def _names(sources: Iterable[DiscoverySource]) -> str:
    return " and ".join(source.lower() for source in sources)
