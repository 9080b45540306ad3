// Merged edges into a frontier of services, claims left out: one step of a walk.
// $frontier: list[str], $within: list[str] | null (only edges that start there), $include_stale: bool, $limit: int
//   -> caller: str, dependency: str, edge: list as in service_rows.EDGE_COLUMNS
MATCH (dependency:Service)
WHERE dependency.service_id IN $frontier
MATCH (caller:Service)-[edge:DEPENDS_ON]->(dependency)
WHERE ($include_stale OR NOT edge.is_stale) AND ($within IS NULL OR caller.service_id IN $within)
RETURN caller.service_id AS caller, dependency.service_id AS dependency,
       [edge.mode, edge.criticality, edge.assumed, edge.protocol, edge.timeout_ms, edge.retry_config,
       edge.call_weight, edge.redundancy_group, edge.required, edge.confidence, edge.is_stale,
       edge.last_observed_at.epochSeconds * 1000000 + edge.last_observed_at.microsecond] AS edge
ORDER BY caller, dependency
LIMIT $limit
