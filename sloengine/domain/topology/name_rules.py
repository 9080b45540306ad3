"""How the names that sources use become service ids: a short list of rules that people can read and change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from sloengine.domain.errors import Invalid
from sloengine.domain.topology.dependency import DiscoverySource

MAX_RULES = 200
MAX_ALIASES = 10_000
MAX_PATTERN_CHARACTERS = 253
MAX_PLACEHOLDERS = 3
"""Matching tries every end of each placeholder but the last: three take milliseconds at worst."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_STRAY_BRACE = re.compile(r"[{}]")
_IDENTITY = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,251}[^\s\x00-\x1f\x7f])?")
type Told = tuple[str, ...]
"""Namespace and kind of a name, empty where it has none."""
TELLS_APART = ("namespace", "kind")
"""Placeholders of which two values mean two services, even where a rule leaves them out of the id."""


@dataclass(frozen=True, slots=True)
class NameRule:
    """One rule: names of this form stand for that service.

    ``pattern``: the whole source name, with placeholders: ``{namespace}/{name}``. A placeholder stands for one or
    more characters without a slash, the first as many as it can; ``{number}`` for digits. ``service_id``: the id,
    made of the same placeholders; None: names of this form are no services. ``sources``: whose names; empty: all.
    """

    name: str
    pattern: str
    service_id: str | None
    sources: tuple[DiscoverySource, ...] = ()

    def is_for(self, source: DiscoverySource) -> bool:
        """Whether it is applied to names of this source."""
        return not self.sources or source in self.sources

    def match(self, source_name: str) -> Mapping[str, str] | None:
        """What the placeholders stand for; None: the name is not of this form."""
        found = _compiled(self.pattern).fullmatch(source_name)
        return None if found is None else found.groupdict()


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a source name stands for.

    ``service_id`` None: no service. ``rule``: the name of the rule or ``alias``; None: taken as it is.
    ``told_apart_by``: namespace and kind that the rule read; names with different ones are different services.
    """

    source_name: str
    service_id: str | None
    rule: str | None = None
    told_apart_by: Told = ()


ALIAS = "alias"


@dataclass(frozen=True)
class NameRules:
    """Aliases first, then the first rule that matches; a name that neither knows is the service id itself.

    ``aliases``: exact source name → service id, None where the name is no service.
    """

    rules: tuple[NameRule, ...] = ()
    aliases: Mapping[str, str | None] = field(default_factory=dict)

    @cached_property
    def _by_source(self) -> Mapping[DiscoverySource, tuple[NameRule, ...]]:
        return {source: tuple(rule for rule in self.rules if rule.is_for(source)) for source in DiscoverySource}

    def resolve(self, source: DiscoverySource, source_name: str) -> Resolved:
        """The service that this name of this source stands for."""
        if source_name in self.aliases:
            return Resolved(source_name, self.aliases[source_name], ALIAS)
        return self._by_rules(source, source_name)

    def aliased(self, source: DiscoverySource) -> Mapping[str, Mapping[Told, str]]:
        """Names that aliases make an id, where this source's rules read a namespace or kind in them.

        By service id, then by namespace and kind.
        """
        return self._aliased.get(source, {})

    @cached_property
    def _aliased(self) -> Mapping[DiscoverySource, Mapping[str, Mapping[Told, str]]]:
        found: dict[DiscoverySource, dict[str, dict[Told, str]]] = {}
        for source in DiscoverySource:
            for source_name, service_id in sorted(self.aliases.items()):
                told = self._by_rules(source, source_name).told_apart_by
                if service_id is not None and any(told):
                    found.setdefault(source, {}).setdefault(service_id, {}).setdefault(told, source_name)
        return found

    def _by_rules(self, source: DiscoverySource, source_name: str) -> Resolved:
        for rule in self._by_source[source] if len(source_name) <= MAX_PATTERN_CHARACTERS else ():
            values = rule.match(source_name)
            if values is None:
                continue
            if rule.service_id is None:
                return Resolved(source_name, None, rule.name)
            told_apart_by = tuple(values.get(name, "") for name in TELLS_APART)
            return Resolved(source_name, rule.service_id.format_map(values), rule.name, told_apart_by)
        return Resolved(source_name, source_name)

    def check(self) -> None:
        """Raise ``Invalid``, with the place, for rules that could not work."""
        if len(self.rules) > MAX_RULES or len(self.aliases) > MAX_ALIASES:
            raise Invalid(f"at most {MAX_RULES} rules and {MAX_ALIASES} aliases", path=("input", "rules"))
        seen: set[str] = set()
        for place, rule in enumerate(self.rules):
            path = ("input", "rules", str(place))
            if not rule.name.strip() or rule.name in seen or rule.name == ALIAS:
                raise Invalid(f"rule {place} needs a name of its own, not {rule.name!r}", path=(*path, "name"))
            seen.add(rule.name)
            _check_pattern(rule, path)
        for source_name, service_id in self.aliases.items():
            if not source_name or (service_id is not None and not _IDENTITY.fullmatch(service_id)):
                raise Invalid(
                    f"alias {source_name!r} → {service_id!r}: both are 1 to 253 characters",
                    path=("input", "aliases"),
                )


def _check_pattern(rule: NameRule, path: tuple[str, ...]) -> None:
    placeholders = _PLACEHOLDER.findall(rule.pattern)
    if not 1 <= len(rule.pattern) <= MAX_PATTERN_CHARACTERS or _STRAY_BRACE.search(
        _PLACEHOLDER.sub("", rule.pattern)
    ):
        raise Invalid(
            f"pattern {rule.pattern!r}: 1 to {MAX_PATTERN_CHARACTERS} characters, placeholders as {{name}}",
            path=(*path, "pattern"),
        )
    if len(placeholders) > MAX_PLACEHOLDERS or len(set(placeholders)) < len(placeholders):
        raise Invalid(
            f"pattern {rule.pattern!r} has more than {MAX_PLACEHOLDERS} placeholders, or one of them twice",
            path=(*path, "pattern"),
        )
    if rule.service_id is None:
        return
    unknown = sorted(set(_PLACEHOLDER.findall(rule.service_id)) - set(placeholders))
    plain = _PLACEHOLDER.sub("x", rule.service_id)
    if unknown or _STRAY_BRACE.search(plain) or not _IDENTITY.fullmatch(plain):
        reason = f"the pattern has no {{{unknown[0]}}}" if unknown else "no service id could look like that"
        raise Invalid(f"serviceId {rule.service_id!r}: {reason}", path=(*path, "serviceId"))


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    at = 0
    for found in _PLACEHOLDER.finditer(pattern):
        parts.append(re.escape(pattern[at : found.start()]))
        parts.append(f"(?P<{found.group(1)}>{'[0-9]+' if found.group(1) == 'number' else '[^/]+'})")
        at = found.end()
    parts.append(re.escape(pattern[at:]))
    return re.compile("".join(parts))


_CLUSTER = (DiscoverySource.OTEL, DiscoverySource.MESH, DiscoverySource.K8S)
DEFAULT_NAME_RULES = NameRules(
    (
        NameRule("service-graph-user", "user", None, (DiscoverySource.OTEL,)),
        NameRule("unknown-peer", "unknown", None, (DiscoverySource.OTEL, DiscoverySource.MESH)),
        NameRule("unknown-in-namespace", "{namespace}/unknown", None, (DiscoverySource.MESH,)),
        NameRule("istio-passthrough", "PassthroughCluster", None, (DiscoverySource.MESH,)),
        NameRule("istio-blackhole", "BlackHoleCluster", None, (DiscoverySource.MESH,)),
        NameRule("cluster-address-port", "{name}.{namespace}.svc.cluster.local:{number}", "{name}", _CLUSTER),
        NameRule("cluster-address", "{name}.{namespace}.svc.cluster.local", "{name}", _CLUSTER),
        NameRule("cluster-address-short", "{name}.{namespace}.svc", "{name}", _CLUSTER),
        NameRule("entity-ref", "{kind}:{namespace}/{name}", "{name}", (DiscoverySource.BACKSTAGE,)),
        NameRule("namespace", "{namespace}/{name}", "{name}", _CLUSTER),
    )
)
"""Shipped. Sources: Tempo and OTel service graph (``user``, ``unknown``); Istio (``unknown``, its two clusters for
traffic without a known destination); OpenTelemetry, compatibility/prometheus_and_openmetrics.md (``job`` is
``<service.namespace>/<service.name>``); Kubernetes DNS; Backstage entity references. Versions in names (``-v1``)
are left alone: whether ``checkout-v2`` is another service only its owners know."""
