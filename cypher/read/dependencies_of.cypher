// Merged edges out of these services, each with the claims it rests on.
// $service_ids: list[str], $include_stale: bool
//   -> caller: str, dependency: str, edge: list as in service_rows.EDGE_COLUMNS, claims: list as in CLAIM_COLUMNS
MATCH (caller:Service)
WHERE caller.service_id IN $service_ids
MATCH (caller:Service)-[edge:DEPENDS_ON]->(dependency:Service)
WHERE $include_stale OR NOT edge.is_stale
RETURN caller.service_id AS caller, dependency.service_id AS dependency, [edge.mode, edge.criticality, edge.assumed, edge.protocol, edge.timeout_ms, edge.retry_config,
       edge.call_weight, edge.redundancy_group, edge.required, edge.confidence, edge.is_stale,
       edge.last_observed_at.epochSeconds * 1000000 + edge.last_observed_at.microsecond] AS edge,
       [(caller)-[claim:CLAIMS_DEPENDENCY]->(dependency) | [claim.source, claim.confidence,
        claim.first_seen_at.epochSeconds * 1000000 + claim.first_seen_at.microsecond,
        claim.last_seen_at.epochSeconds * 1000000 + claim.last_seen_at.microsecond,
        claim.mode, claim.criticality, claim.protocol, claim.timeout_ms, claim.retry_config,
        claim.call_weight, claim.redundancy_group, claim.required]] AS claims
ORDER BY caller, dependency
