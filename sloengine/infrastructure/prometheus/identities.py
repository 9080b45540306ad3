"""Label values → service ids, by a rule that a user can predict; and what must not be stored at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.name_decisions import NOTHING_REMEMBERED, RememberedNames, resolve_all
from sloengine.domain.topology.name_rules import ALIAS, DEFAULT_NAME_RULES, NameRules

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]{2,}")
_IPV4 = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
_IPV6 = re.compile(r"\b(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{0,4}")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)


def looks_personal(value: str) -> str | None:
    """``e-mail address``, ``IP address`` or ``user id``, when the label value looks like one.

    Service identities are exempt: do not ask for them.
    """
    if _EMAIL.search(value):
        return "e-mail address"
    if _IPV4.search(value) or _IPV6.search(value):
        return "IP address"
    return "user id" if _UUID.search(value) else None


def refused_labels(metric: Mapping[str, str], identity_labels: Iterable[str]) -> str | None:
    """Why a series may not be stored: a label, other than an identity, whose value looks personal."""
    exempt = {"__name__", *identity_labels}
    for label, value in metric.items():
        kind = None if label in exempt else looks_personal(value)
        if kind is not None:
            return f"label {label} looks like personal data ({kind}); drop it before it reaches the metrics"
    return None


@dataclass(frozen=True, slots=True)
class Identities:
    """Which label value stands for which wanted service."""

    by_value: Mapping[str, str]
    ambiguous: Mapping[str, tuple[str, ...]]

    def __call__(self, value: str) -> str | None:
        """The service id, or None for a value that nobody asked for."""
        return self.by_value.get(value)


def reconcile(
    values: Iterable[str],
    wanted: Sequence[str],
    rules: NameRules = DEFAULT_NAME_RULES,
    source: DiscoverySource = DiscoverySource.OTEL,
    remembered: RememberedNames = NOTHING_REMEMBERED,
) -> Identities:
    """The service that each value stands for: itself when it is a wanted id, else what the name rules say.

    They are the rules of discovery, so that the graph and telemetry call a service the same. Where a value is the
    id, others that a rule makes that id are left alone: they are most likely the same requests once more. Two
    namespaces with a service of the same name are ambiguous, unless it was decided whose the name is: neither is
    taken, and it is said. Aliases add up.
    """
    ids = frozenset(wanted)
    every = sorted(set(values))
    resolved = resolve_all(source, every, rules, ids, remembered).by_name
    by_value: dict[str, str] = {}
    ambiguous: dict[str, list[str]] = {}
    for value in every:
        one = resolved[value]
        if one.service_id in ids and (one.rule in (None, ALIAS) or one.service_id not in resolved):
            by_value[value] = one.service_id
        elif one.service_id == value:
            meant = rules.resolve(source, value).service_id
            if meant is not None and meant in ids and meant != value and not remembered.is_owned(meant):
                ambiguous.setdefault(meant, []).append(value)
    taken = set(by_value.values())
    return Identities(
        by_value, {service_id: tuple(names) for service_id, names in ambiguous.items() if service_id not in taken}
    )
