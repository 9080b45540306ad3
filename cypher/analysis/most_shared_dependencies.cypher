// What do most services call directly, and how many teams would notice?
//   -> dependency, callers, teams, hard_callers
MATCH (caller:Service)-[edge:DEPENDS_ON {is_stale: false}]->(dependency:Service)
RETURN dependency.service_id AS dependency, count(DISTINCT caller) AS callers, count(DISTINCT caller.team) AS teams,
       count(CASE WHEN edge.criticality = 'HARD' AND edge.mode = 'SYNC' THEN 1 END) AS hard_callers
ORDER BY callers DESC, dependency
LIMIT 25
