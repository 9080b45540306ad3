// Which groups of services depend on each other most, across their borders? A group calls itself more than others; the
// numbers are of the newest analysis, 0 the largest group.
// caller_group; dependency_group; calls: dependencies from the one into the other; hard: of these sync, hard ones;
// examples: up to five of them
MATCH (caller:Service)-[edge:DEPENDS_ON]->(dependency:Service)
WHERE NOT edge.is_stale AND caller.community <> dependency.community
WITH caller, edge, dependency ORDER BY caller.service_id, dependency.service_id
WITH caller.community AS caller_group, dependency.community AS dependency_group, count(edge) AS calls,
     count(CASE WHEN edge.mode = 'SYNC' AND edge.criticality = 'HARD' THEN 1 END) AS hard,
     collect(caller.service_id + ' -> ' + dependency.service_id)[..5] AS examples
RETURN caller_group, dependency_group, calls, hard, examples
ORDER BY hard DESC, calls DESC, caller_group, dependency_group
LIMIT 20
