// What do most services have in common? Dependencies by the number of services, and of teams, that call them.
// dependency; callers; teams: of the callers; hard: callers whose requests fail with it
MATCH (caller:Service)-[edge:DEPENDS_ON]->(dependency:Service)
WHERE NOT edge.is_stale
WITH dependency, count(*) AS callers, count(DISTINCT caller.team) AS teams,
     count(CASE WHEN edge.criticality = 'HARD' AND edge.mode = 'SYNC' THEN 1 END) AS hard
WHERE callers > 1
RETURN dependency.service_id AS dependency, callers, teams, hard
ORDER BY callers DESC, dependency
LIMIT 20
