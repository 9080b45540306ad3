// Edges between services of which none should be there, with the claims on them. Whoever writes edges of a caller locks it
// first, so that what is not among its edges then is new: one look at a caller, where MERGE takes four at each pair.
// Pairs that were there after all are left as they are and named, for merge_dependencies.
// $rows: list of {caller: str, edges: list, each as in merge_dependencies}, a caller in one row only
// $times: list[datetime], $ingestion_id: str   -> created: int, known: list of [caller, dependency]
UNWIND $rows AS row
MATCH (caller:Service {service_id: row.caller})
SET caller.is_locked = true
REMOVE caller.is_locked
WITH row, caller, [(caller)-[:DEPENDS_ON|CLAIMS_DEPENDENCY]->(other:Service) | other.service_id] AS there
UNWIND row.edges AS stated
MATCH (dependency:Service {service_id: stated.dependency})
WITH caller, dependency, stated, stated.attributes AS attributes, dependency.service_id IN there AS is_known
FOREACH (_ IN CASE WHEN is_known THEN [] ELSE [1] END |
  FOREACH (said IN stated.claims |
    CREATE (caller)-[claim:CLAIMS_DEPENDENCY]->(dependency)
    SET claim = said {.*, first_seen: null, first_seen_at: $times[said.first_seen], last_seen: null, last_seen_at: $times[said.last_seen]})
  CREATE (caller)-[edge:DEPENDS_ON]->(dependency)
  SET edge = attributes {.*, created_by_ingestion: $ingestion_id, last_observed_at: $times[stated.seen]})
RETURN count(CASE WHEN NOT is_known THEN 1 END) AS created,
       collect(CASE WHEN is_known THEN [caller.service_id, dependency.service_id] END) AS known
