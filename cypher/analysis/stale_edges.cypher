// Which dependencies has nobody seen for longer than their source's time to live?
// caller, dependency; last_seen: newest sighting; days: since then; sources: who stated it
MATCH (caller:Service)-[edge:DEPENDS_ON {is_stale: true}]->(dependency:Service)
OPTIONAL MATCH (caller)-[claim:CLAIMS_DEPENDENCY]->(dependency)
WITH caller, edge, dependency, claim ORDER BY claim.source
WITH caller, edge, dependency, collect(claim.source) AS sources
RETURN caller.service_id AS caller, dependency.service_id AS dependency, edge.last_observed_at AS last_seen,
       duration.inDays(edge.last_observed_at, datetime()).days AS days, sources
ORDER BY last_seen, caller, dependency
