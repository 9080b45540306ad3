// Which hard dependency of each critical service, with nothing to fall back on, was the weakest over the last 28 days?
// caller, dependency: service ids; dependency_availability: good over valid requests; requests: valid ones
MATCH (caller:Service {criticality: 'CRITICAL'})-[edge:DEPENDS_ON {mode: 'SYNC', criticality: 'HARD'}]->(dependency:Service)
WHERE NOT edge.is_stale AND edge.redundancy_group IS NULL
CALL (dependency) {
  MATCH (dependency)-[:HAS_SLI]->(day:SliDay {sli: 'AVAILABILITY'})
  WHERE day.day >= date({timezone: 'UTC'}) - duration({days: 28})
  RETURN sum(reduce(sum = 0.0, x IN day.good | sum + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS good,
         sum(reduce(sum = 0.0, x IN day.total | sum + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS total
}
WITH caller, dependency, good, total
WHERE total > 0
ORDER BY caller.service_id, good / total, dependency.service_id
WITH caller, collect({dependency: dependency.service_id, availability: good / total, requests: total})[0] AS weakest
RETURN caller.service_id AS caller, weakest.dependency AS dependency,
       weakest.availability AS dependency_availability, weakest.requests AS requests
ORDER BY dependency_availability, caller
