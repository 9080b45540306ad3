// For how long have plans and telemetry disagreed, and whom to ask? Only where both kinds of source know the caller.
// caller, team, dependency; missing: DECLARED_ONLY or OBSERVED_ONLY; since, days; message: what to do
MATCH (caller:Service)-[:DIVERGES]->(divergence:Divergence)-[:FROM_DEPENDENCY]->(dependency:Service)
RETURN caller.service_id AS caller, caller.team AS team, dependency.service_id AS dependency,
       divergence.kind AS missing, divergence.since AS since,
       duration.inDays(divergence.since, datetime()).days AS days, divergence.message AS message
ORDER BY since, caller, dependency
