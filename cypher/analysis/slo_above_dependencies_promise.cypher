// Which services promise more than their hard dependencies promise together?
//   -> service, promised, dependencies_promise (product of their active SLOs), dependencies_with_slo, hard_dependencies
MATCH (service:Service)-[:HAS_SLO]->(slo:ActiveSlo {sli_type: 'AVAILABILITY'})
MATCH (service)-[:DEPENDS_ON {mode: 'SYNC', criticality: 'HARD', is_stale: false}]->(dependency:Service)
OPTIONAL MATCH (dependency)-[:HAS_SLO]->(theirs:ActiveSlo {sli_type: 'AVAILABILITY'})
WITH service, slo, count(dependency) AS hard_dependencies, collect(theirs.availability_target) AS promises
WITH service, slo, hard_dependencies, promises, reduce(joint = 1.0, promise IN promises | joint * promise) AS joint
WHERE size(promises) > 0 AND slo.availability_target > joint
RETURN service.service_id AS service, slo.availability_target AS promised, joint AS dependencies_promise,
       size(promises) AS dependencies_with_slo, hard_dependencies
ORDER BY promised - joint DESC, service
