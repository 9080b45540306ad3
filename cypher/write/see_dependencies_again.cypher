// Sightings of edges of which their source says what it said before: times and confidence move, nothing else is touched.
// An edge that is not as the sender of this knew it is left alone, and is not among those named, for merge_dependencies: one
// whose claim is not there or was seen at another time, or that is stale. Whoever writes edges of a caller locks it first.
// $rows: list of {caller: str, seen: map of dependency to [source: str, last seen as known, last seen now, edge last observed
//   (int, places in $times), confidence of the edge: float]}, a caller in one row only
// $times: list[datetime]   -> touched: list of [caller, dependency]
UNWIND $rows AS row
MATCH (caller:Service {service_id: row.caller})
SET caller.is_locked = true
REMOVE caller.is_locked
WITH row, caller
MATCH (caller)-[claim:CLAIMS_DEPENDENCY]->(dependency:Service)
WITH row, caller, claim, dependency, row.seen[dependency.service_id] AS stated
WHERE claim.source = stated[0] AND claim.last_seen_at = $times[stated[1]]
MATCH (caller)-[edge:DEPENDS_ON]->(dependency)
WHERE NOT edge.is_stale
SET claim.last_seen_at = $times[stated[2]], edge.last_observed_at = $times[stated[3]], edge.confidence = stated[4]
RETURN collect([caller.service_id, dependency.service_id]) AS touched
