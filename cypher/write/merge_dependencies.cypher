// The merged edges, and with each the claims on it that are to be written. A claim replaces its source's earlier one. An edge
// counts as updated when what it says of the call has changed; a newer sighting alone does not.
// What telemetry measured of an edge is no claim and stays.
// $rows: list of {caller: str, edges: list of {dependency: str, attributes: map, seen: int | null,
//   claims: list of maps of properties, with first_seen: int, last_seen: int}}, times as places in $times
// $times: list[datetime], $ingestion_id: str
//   -> created: int, updated: int, reshaped: int (new, or stale where it was not, or the reverse)
UNWIND $rows AS row
MATCH (caller:Service {service_id: row.caller})
UNWIND row.edges AS stated
MATCH (dependency:Service {service_id: stated.dependency})
FOREACH (said IN stated.claims |
  MERGE (caller)-[claim:CLAIMS_DEPENDENCY {source: said.source}]->(dependency)
  SET claim = said {.*, first_seen: null, first_seen_at: $times[said.first_seen], last_seen: null, last_seen_at: $times[said.last_seen]})
MERGE (caller)-[edge:DEPENDS_ON]->(dependency)
WITH edge, stated, stated.attributes AS attributes, edge.mode IS NULL AS is_new, edge.is_stale AS was_stale,
     [edge.mode, edge.criticality, edge.assumed, edge.is_stale, coalesce(edge.protocol, ''),
      coalesce(edge.timeout_ms, -1), coalesce(edge.retry_config, ''), coalesce(edge.call_weight, -1.0),
      coalesce(edge.redundancy_group, ''), coalesce(edge.required, -1)] AS before
SET edge = attributes {.*, last_observed_at: $times[stated.seen],
    created_by_ingestion: coalesce(edge.created_by_ingestion, $ingestion_id),
    pass_through: edge.pass_through, pass_through_low: edge.pass_through_low,
    pass_through_high: edge.pass_through_high, pass_through_at: edge.pass_through_at,
    pass_through_in_use: edge.pass_through_in_use, pass_through_verdict: edge.pass_through_verdict,
    pass_through_failed_calls: edge.pass_through_failed_calls, pass_through_seen: edge.pass_through_seen,
    pass_through_basis: edge.pass_through_basis}
WITH is_new, is_new OR was_stale <> attributes.is_stale AS is_reshaped, before = [attributes.mode, attributes.criticality,
      attributes.assumed, attributes.is_stale, coalesce(attributes.protocol, ''), coalesce(attributes.timeout_ms, -1),
      coalesce(attributes.retry_config, ''), coalesce(attributes.call_weight, -1.0),
      coalesce(attributes.redundancy_group, ''), coalesce(attributes.required, -1)] AS is_same
RETURN count(CASE WHEN is_new THEN 1 END) AS created,
       count(CASE WHEN NOT is_new AND NOT is_same THEN 1 END) AS updated,
       count(CASE WHEN is_reshaped THEN 1 END) AS reshaped
