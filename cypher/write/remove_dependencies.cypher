// Merged edges that nobody claims any more.
// $rows: list of {caller, dependency}   -> removed: int
UNWIND $rows AS row
MATCH (:Service {service_id: row.caller})-[edge:DEPENDS_ON]->(:Service {service_id: row.dependency})
DELETE edge
RETURN count(*) AS removed
