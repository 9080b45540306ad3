// For each critical service: which hard, synchronous dependency holds it back most?
//   -> service, weakest_dependency, dependency_availability (observed over all stored days), dependency_balanced_target
MATCH (service:Service {criticality: 'CRITICAL'})-[edge:DEPENDS_ON {mode: 'SYNC', criticality: 'HARD', is_stale: false}]->(dependency:Service)
MATCH (dependency)-[:HAS_SLI]->(day:SliDay {sli: 'AVAILABILITY'})
WITH service, dependency,
     sum(reduce(events = 0.0, x IN day.good | events + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS good,
     sum(reduce(events = 0.0, x IN day.total | events + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS total
WHERE total > 0
OPTIONAL MATCH (dependency)-[:HAS_RECOMMENDATION]->(recommendation:Recommendation {sli_type: 'AVAILABILITY', status: 'ACTIVE'})
WITH service, dependency, good / total AS availability, recommendation.balanced_target AS balanced_target
ORDER BY service.service_id, availability, dependency.service_id
WITH service, collect({dependency: dependency.service_id, availability: availability, target: balanced_target})[0] AS weakest
RETURN service.service_id AS service, weakest.dependency AS weakest_dependency,
       weakest.availability AS dependency_availability, weakest.target AS dependency_balanced_target
ORDER BY dependency_availability, service
