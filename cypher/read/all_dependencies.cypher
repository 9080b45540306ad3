// Every merged edge, one row a caller: few rows with long lists cross Bolt several times faster than one row an edge.
//   -> caller: str, edges: list of [dependency, then as in service_rows.EDGE_COLUMNS]
MATCH (caller:Service)-[edge:DEPENDS_ON]->(dependency:Service)
WITH caller, edge, dependency ORDER BY caller.service_id, dependency.service_id
RETURN caller.service_id AS caller, collect([dependency.service_id,
       edge.mode, edge.criticality, edge.assumed, edge.protocol, edge.timeout_ms, edge.retry_config,
       edge.call_weight, edge.redundancy_group, edge.required, edge.confidence, edge.is_stale,
       edge.last_observed_at.epochSeconds * 1000000 + edge.last_observed_at.microsecond]) AS edges
