// One source's statements; each replaces the source's earlier one on the same pair.
// $rows: list of {caller, dependency, source, attributes: map, first_seen_us: int, last_seen_us: int}
UNWIND $rows AS row
MATCH (caller:Service {service_id: row.caller})
MATCH (dependency:Service {service_id: row.dependency})
MERGE (caller)-[claim:CLAIMS_DEPENDENCY {source: row.source}]->(dependency)
SET claim = row.attributes,
    claim.first_seen_at = datetime({epochSeconds: row.first_seen_us / 1000000, microsecond: row.first_seen_us % 1000000}),
    claim.last_seen_at = datetime({epochSeconds: row.last_seen_us / 1000000, microsecond: row.last_seen_us % 1000000})
