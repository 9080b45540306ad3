// What does each source say of who calls whom, and what rests on its word alone?
// source; claims: dependencies that it states; alone: those that nobody else states; callers: services whose calls it states;
// oldest, newest: sightings among the claims; least_sure: lowest confidence among them
MATCH (caller:Service)-[claim:CLAIMS_DEPENDENCY]->(dependency:Service)
WITH claim, caller, NOT EXISTS {
  MATCH (caller)-[other:CLAIMS_DEPENDENCY]->(dependency) WHERE other.source <> claim.source
} AS alone
RETURN claim.source AS source, count(*) AS claims, sum(CASE WHEN alone THEN 1 ELSE 0 END) AS alone,
       count(DISTINCT caller) AS callers, min(claim.last_seen_at) AS oldest, max(claim.last_seen_at) AS newest,
       min(claim.confidence) AS least_sure
ORDER BY claims DESC, source
