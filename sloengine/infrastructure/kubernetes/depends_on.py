"""The annotation in which people state what a workload calls."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sloengine.domain.topology.dependency import DependencyCriticality, DependencyMode, EdgeAttributes
from sloengine.domain.topology.rows import NOTHING_STATED

_WORDS = "sync, async, hard, degraded, soft, external"
_TARGET = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?")
_MODES = {mode.value.lower(): mode for mode in DependencyMode}
_CRITICALITIES = {criticality.value.lower(): criticality for criticality in DependencyCriticality}


@dataclass(frozen=True, slots=True)
class Stated:
    """One entry. ``external``: the target lies outside the cluster and is taken by its name."""

    target: str
    attributes: EdgeAttributes = NOTHING_STATED
    external: bool = False


def read_depends_on(text: str) -> tuple[Sequence[Stated], Sequence[str]]:
    """Entries, and what is wrong with those that could not be read.

    Entries are parted by commas or line ends; each is a target, then words after colons.

    >>> read_depends_on("ledger, search:soft:async")[0][1].attributes.mode
    <DependencyMode.ASYNC: 'ASYNC'>
    >>> read_depends_on("ledger:8080")[1]
    ['ledger:8080: 8080 is none of sync, async, hard, degraded, soft, external']
    """
    stated: list[Stated] = []
    problems: list[str] = []
    for entry in re.split(r"[,\n]", text):
        if not entry.strip():
            continue
        read = _entry(entry.strip())
        if isinstance(read, Stated):
            stated.append(read)
        else:
            problems.append(read)
    return stated, problems


def _entry(entry: str) -> Stated | str:
    target, *words = (part.strip() for part in entry.split(":"))
    if not _TARGET.fullmatch(target):
        return f"{entry}: {target or 'nothing'} is no name of a service"
    mode: DependencyMode | None = None
    criticality: DependencyCriticality | None = None
    external = False
    for word in words:
        said = word.lower()
        if said in _MODES and mode is None:
            mode = _MODES[said]
        elif said in _CRITICALITIES and criticality is None:
            criticality = _CRITICALITIES[said]
        elif said == "external":
            external = True
        elif said in _MODES or said in _CRITICALITIES:
            return f"{entry}: {word} contradicts what stands before it"
        else:
            return f"{entry}: {word or 'nothing'} is none of {_WORDS}"
    return Stated(target, EdgeAttributes(mode=mode, criticality=criticality), external)
