// Statements that their source no longer makes.
// $rows: list of {caller, dependency, source}
UNWIND $rows AS row
MATCH (:Service {service_id: row.caller})-[claim:CLAIMS_DEPENDENCY {source: row.source}]->(:Service {service_id: row.dependency})
DELETE claim
