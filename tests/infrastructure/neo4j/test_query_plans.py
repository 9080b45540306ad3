"""Queries find what they name by an index: no migration can be forgotten, and no index be passed over, unseen."""

from __future__ import annotations

import re
from typing import Any

from neo4j import READ_ACCESS

from sloengine.infrastructure.neo4j import Neo4jStores
from sloengine.infrastructure.neo4j.named_queries import cypher_directory, query

QUERIES = sorted(
    f"{file.parent.name}/{file.stem}"
    for folder in ("read", "write")
    for file in (cypher_directory() / folder).glob("*.cypher")
)

READ_WHOLE = {
    # all there is, and that is what is asked for
    "read/all_dependencies": {"DEPENDS_ON", "Service"},  # from either end, as the planner's counts have it
    "read/all_newest_drift": {"DriftEvent"},
    "read/all_services": {"Service"},
    "read/audit_trail": {"AuditEvent"},
    "read/condensation": {"Component"},
    "read/graph_shape": {"Service"},
    "read/organization_overview": {"ActiveSlo", "AuditEvent", "IS"},
    "read/remembered_names": {"RememberedName"},
    "read/services_to_answer": {"Service", "NewestAnswer"},
    "read/services_without_past": {"Service"},
    "read/supernodes": {"Supernode"},
    # lists, by filters that may be left out; how many there are in all is told with each page
    "read/callers_that_may_diverge": {"CLAIMS_DEPENDENCY", "Divergence"},
    "read/count_of_alerts": {"CircularDependencyAlert"},
    "read/count_of_audit": {"AuditEvent"},
    "read/count_of_drift": {"DriftEvent"},
    "read/count_of_remembered_names": {"RememberedName"},
    "read/count_of_services": {"Service"},
    "read/page_of_alerts": {"CircularDependencyAlert"},
    "read/page_of_audit": {"AuditEvent"},
    "read/page_of_divergences": {"Divergence"},
    "read/page_of_drift": {"DriftEvent"},
    "read/page_of_journeys": {"Journey"},
    "read/page_of_remembered_names": {"RememberedName"},
    "read/page_of_services": {"Service"},
    "read/pairs_claimed_by": {"CLAIMS_DEPENDENCY"},
    # work that is left to do, and a few migrations: never many
    "read/applied_migrations": {"SchemaMigration"},
    "read/decisions_to_tell": {"CallersToTell"},
    "read/pending_events": {"PendingEvent"},
    "write/number_events": {"PendingEvent"},
    "read/unfinished_drift": {"UnfinishedDrift"},
    "read/unfinished_recommendation_jobs": {"RecommendationJob"},
    "write/drop_recommendation_jobs": {"RecommendationJob"},
    "write/forget_migration": {"SchemaMigration"},
    "write/note_callers_told": {"CallersToTell"},
    "write/record_migration": {"SchemaMigration"},
}


def read_whole(plan: dict[str, Any]) -> set[str]:
    """Labels and relationship types of which every node or relationship is looked at."""
    found: set[str] = set()
    if re.search(r"LabelScan|TypeScan|AllNodesScan|AllRelationshipsScan", plan["operatorType"]):
        named = re.search(r":(\w+)", plan["args"].get("Details", ""))
        found.add(named[1] if named else "everything")
    return found.union(*(read_whole(child) for child in plan.get("children", ())))


async def test_what_a_query_names_is_found_by_an_index(stores: Neo4jStores):
    found: dict[str, set[str]] = {}
    for name in QUERIES:
        parameters = dict.fromkeys(re.findall(r"\$(\w+)", query(name)))
        async with stores.connection.session(READ_ACCESS) as session:
            summary = await (await session.run(f"EXPLAIN {query(name)}", parameters)).consume()
        assert summary.plan is not None
        found[name] = read_whole(summary.plan)

    looked_over = {name: more for name, labels in found.items() if (more := labels - READ_WHOLE.get(name, set()))}
    assert looked_over == {}
