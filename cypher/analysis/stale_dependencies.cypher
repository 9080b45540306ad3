// Which dependencies has nobody seen for longer than their sources' time to live?
//   -> caller, dependency, last_observed, sources
MATCH (caller:Service)-[edge:DEPENDS_ON {is_stale: true}]->(dependency:Service)
OPTIONAL MATCH (caller)-[claim:CLAIMS_DEPENDENCY]->(dependency)
WITH caller, edge, dependency, claim ORDER BY claim.source
RETURN caller.service_id AS caller, dependency.service_id AS dependency, edge.last_observed_at AS last_observed,
       collect(claim.source) AS sources
ORDER BY last_observed, caller, dependency
