// Which calls have a fallback, and how many members may fail?
// caller; redundancy_group; members: dependencies in it; required: how many must work; spare: how many may fail
MATCH (caller:Service)-[edge:DEPENDS_ON]->(dependency:Service)
WHERE edge.redundancy_group IS NOT NULL
WITH caller, edge, dependency ORDER BY dependency.service_id
WITH caller, edge.redundancy_group AS redundancy_group, collect(dependency.service_id) AS members,
     coalesce(max(edge.required), 1) AS required
RETURN caller.service_id AS caller, redundancy_group, members, required, size(members) - required AS spare
ORDER BY spare, caller, redundancy_group
