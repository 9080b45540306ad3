// Where do plans and telemetry disagree? Dependencies that somebody declared and nobody observed, and the reverse.
// caller, dependency; disagreement: DECLARED_ONLY or OBSERVED_ONLY; sources
MATCH (caller:Service)-[:DEPENDS_ON]->(dependency:Service)
MATCH (caller)-[claim:CLAIMS_DEPENDENCY]->(dependency)
WITH caller, dependency, claim ORDER BY claim.source
WITH caller, dependency, collect(claim.source) AS sources
WITH caller, dependency, sources, any(source IN sources WHERE source IN ['OTEL', 'MESH']) AS is_observed,
     any(source IN sources WHERE source IN ['MANUAL', 'BACKSTAGE', 'K8S']) AS is_declared
WHERE is_observed <> is_declared
RETURN caller.service_id AS caller, dependency.service_id AS dependency,
       CASE WHEN is_declared THEN 'DECLARED_ONLY' ELSE 'OBSERVED_ONLY' END AS disagreement, sources
ORDER BY disagreement, caller, dependency
