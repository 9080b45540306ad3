"""Label values → service ids, by a rule that a user can predict; and what must not be stored at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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


def reconcile(values: Iterable[str], wanted: Sequence[str]) -> Identities:
    """The value itself when it is a wanted id; else what follows the last slash, if only one value claims that id.

    OpenTelemetry's ``job`` is ``<service.namespace>/<service.name>``, or just the name. Two namespaces with a
    service of the same name are ambiguous: neither is taken, and it is said.
    """
    ids = frozenset(wanted)
    by_value: dict[str, str] = {}
    claims: dict[str, list[str]] = {}
    for value in sorted(set(values)):
        if value in ids:
            by_value[value] = value
        elif "/" in value and value.rsplit("/", 1)[1] in ids:
            claims.setdefault(value.rsplit("/", 1)[1], []).append(value)
    exact = set(by_value.values())
    ambiguous: dict[str, tuple[str, ...]] = {}
    for service_id, candidates in claims.items():
        if service_id in exact:
            continue
        if len(candidates) == 1:
            by_value[candidates[0]] = service_id
        else:
            ambiguous[service_id] = tuple(candidates)
    return Identities(by_value, ambiguous)
