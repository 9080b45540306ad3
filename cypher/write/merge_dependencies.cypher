// The merged edges, and with each the claims on it that are new: both ends are looked up once. A claim replaces its
// source's earlier one. An edge counts as updated when what it says of the call has changed; a newer sighting alone does not.
// What telemetry measured of an edge is no claim and stays.
// $rows: list of {caller: str, edges: list of {dependency: str, attributes: map, seen: int | null,
//   claims: list of {source: str, attributes: map, first_seen: int, last_seen: int}}}, times as places in $times
// $times: list[datetime], $ingestion_id: str
//   -> created: int, updated: int, reshaped: int (new, or stale where it was not, or the reverse)
UNWIND $rows AS row
MATCH (caller:Service {service_id: row.caller})
UNWIND row.edges AS stated
MATCH (dependency:Service {service_id: stated.dependency})
FOREACH (said IN stated.claims |
  MERGE (caller)-[claim:CLAIMS_DEPENDENCY {source: said.source}]->(dependency)
  SET claim = said.attributes, claim.first_seen_at = $times[said.first_seen], claim.last_seen_at = $times[said.last_seen])
MERGE (caller)-[edge:DEPENDS_ON]->(dependency)
WITH edge, stated.attributes AS attributes, $times[stated.seen] AS seen, edge.mode IS NULL AS is_new,
     edge.is_stale AS was_stale,
     edge {.pass_through, .pass_through_low, .pass_through_high, .pass_through_at} AS measured,
     coalesce(edge.created_by_ingestion, $ingestion_id) AS created_by,
     [edge.mode, edge.criticality, edge.assumed, edge.is_stale, coalesce(edge.protocol, ''),
      coalesce(edge.timeout_ms, -1), coalesce(edge.retry_config, ''), coalesce(edge.call_weight, -1.0),
      coalesce(edge.redundancy_group, ''), coalesce(edge.required, -1)] AS before
SET edge = attributes,
    edge += measured,
    edge.created_by_ingestion = created_by,
    edge.last_observed_at = seen
WITH is_new, is_new OR was_stale <> attributes.is_stale AS is_reshaped, before = [attributes.mode, attributes.criticality, attributes.assumed, attributes.is_stale,
      coalesce(attributes.protocol, ''), coalesce(attributes.timeout_ms, -1), coalesce(attributes.retry_config, ''),
      coalesce(attributes.call_weight, -1.0), coalesce(attributes.redundancy_group, ''),
      coalesce(attributes.required, -1)] AS is_same
RETURN count(CASE WHEN is_new THEN 1 END) AS created,
       count(CASE WHEN NOT is_new AND NOT is_same THEN 1 END) AS updated,
       count(CASE WHEN is_reshaped THEN 1 END) AS reshaped
