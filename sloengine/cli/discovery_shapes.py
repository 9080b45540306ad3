"""Discovery as JSON in the shape of the GraphQL types, and name rules read back from it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from sloengine.application.ports.discovery_store import StoredNameRules
from sloengine.application.topology.discover_dependencies import DiscoveryOutcome
from sloengine.application.topology.scheduled_discovery import DiscoveryState
from sloengine.cli.graph_shapes import ingestion_shape
from sloengine.cli.shapes import Json, time
from sloengine.domain.errors import Invalid
from sloengine.domain.topology.dependency import DiscoverySource
from sloengine.domain.topology.discovery_difference import ChangeKind, DiscoveryDifference, FieldChange
from sloengine.domain.topology.name_rules import DEFAULT_NAME_RULES, NameRule, NameRules

_EXPECTED = (
    'Expected what `sloengine discover rules --json` prints: {"revision": …, "rules": [{"name": …, "pattern": …, '
    '"serviceId": …, "sources": […]}], "aliases": [{"sourceName": …, "serviceId": …}]}'
)


def outcome_shape(outcome: DiscoveryOutcome) -> Json:
    """``IngestDependenciesPayload``; here the lists are whole."""
    return {
        "ingestion": None if outcome.ingestion is None else ingestion_shape(outcome.ingestion),
        "difference": difference_shape(outcome.difference),
        "userErrors": [],
    }


def difference_shape(found: DiscoveryDifference) -> Json:
    """``DiscoveryDifference``."""
    return {
        "source": found.source,
        "readings": list(found.readings),
        "from": time(found.since),
        "to": time(found.until),
        "complete": found.complete,
        "added": found.count(ChangeKind.ADDED),
        "changed": found.count(ChangeKind.CHANGED),
        "withdrawn": found.count(ChangeKind.WITHDRAWN),
        "unseen": found.count(ChangeKind.UNSEEN),
        "unchanged": found.dependencies_unchanged,
        "dependencies": [
            {
                "change": one.kind,
                "caller": one.caller,
                "dependency": one.dependency,
                "fields": _fields(one.fields),
                "otherSources": list(one.other_sources),
                "calls": one.calls,
                "failedCalls": one.failed_calls,
            }
            for one in found.dependencies
        ],
        "services": [
            {"change": one.kind, "serviceId": one.service_id, "fields": _fields(one.fields)}
            for one in found.services
        ],
        "servicesUnchanged": found.services_unchanged,
        "renamed": [
            {"sourceName": one.source_name, "serviceId": one.service_id, "rule": one.rule} for one in found.renamed
        ],
        "leftOut": [{"sourceName": one.source_name, "reason": one.reason} for one in found.left_out],
        "warnings": list(found.warnings),
        "queries": list(found.queries),
    }


def _fields(changes: tuple[FieldChange, ...]) -> list[Json]:
    return [{"name": one.name, "before": one.before, "after": one.after} for one in changes]


def name_rules_shape(stored: StoredNameRules | None) -> Json:
    """``NameRules``."""
    rules = DEFAULT_NAME_RULES if stored is None else stored.rules
    return {
        "rules": [
            {
                "name": rule.name,
                "pattern": rule.pattern,
                "serviceId": rule.service_id,
                "sources": list(rule.sources),
            }
            for rule in rules.rules
        ],
        "aliases": [
            {"sourceName": source_name, "serviceId": service_id}
            for source_name, service_id in sorted(rules.aliases.items())
        ],
        "revision": 0 if stored is None else stored.revision,
        "isShipped": stored is None,
        "savedBy": None if stored is None else stored.saved_by,
        "savedAt": time(None if stored is None else stored.saved_at),
    }


def state_shape(state: DiscoveryState) -> Json:
    """``DiscoveryState``."""
    run = state.last_run
    return {
        "source": state.source,
        "readings": list(state.readings),
        "everyMinutes": None if state.every is None else state.every // timedelta(minutes=1),
        "lastRun": None
        if run is None
        else {
            "startedAt": time(run.started_at),
            "from": time(run.since),
            "to": time(run.until),
            "services": run.services,
            "dependencies": run.dependencies,
            "warnings": list(run.warnings),
            "error": run.error,
        },
    }


def rules_from(file: Path) -> tuple[NameRules, int]:
    """The rules of a file that has the shape of ``SaveNameRulesInput``, and the revision that they were made from.

    Raises ``Invalid``.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        rules = NameRules(
            tuple(_rule(row) for row in document["rules"]),
            {_text(row, "sourceName"): _optional(row, "serviceId") for row in document.get("aliases") or ()},
        )
        revision = _whole(document, "revision")
    except KeyError as error:
        raise Invalid(f"{file}: {error.args[0]} is missing. {_EXPECTED}") from error
    except OSError as error:
        raise Invalid(f"{file}: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise Invalid(f"{file}: {error}. {_EXPECTED}") from error
    return rules, revision


def _rule(row: dict[str, Any]) -> NameRule:
    sources = tuple(DiscoverySource(source) for source in row.get("sources") or ())
    return NameRule(_text(row, "name"), _text(row, "pattern"), _optional(row, "serviceId"), sources)


def _whole(row: dict[str, Any], name: str) -> int:
    value = row[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, is {value!r}")
    return value


def _text(row: dict[str, Any], name: str) -> str:
    value = row[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, is {value!r}")
    return value


def _optional(row: dict[str, Any], name: str) -> str | None:
    return None if row.get(name) is None else _text(row, name)
