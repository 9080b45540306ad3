// Merged edges out of a frontier of services, claims left out: one step of a walk.
// $frontier: list[str], $within: list[str] | null (only edges that end there), $include_stale: bool, $limit: int
//   -> caller: str, dependency: str, edge: list as in service_rows.EDGE_COLUMNS
MATCH (caller:Service)
WHERE caller.service_id IN $frontier
MATCH (caller)-[edge:DEPENDS_ON]->(dependency:Service)
WHERE ($include_stale OR NOT edge.is_stale) AND ($within IS NULL OR dependency.service_id IN $within)
RETURN caller.service_id AS caller, dependency.service_id AS dependency,
       [edge.mode, edge.criticality, edge.assumed, edge.protocol, edge.timeout_ms, edge.retry_config,
       edge.call_weight, edge.redundancy_group, edge.required, edge.confidence, edge.is_stale,
       edge.last_observed_at.epochSeconds * 1000000 + edge.last_observed_at.microsecond] AS edge
ORDER BY caller, dependency
LIMIT $limit
