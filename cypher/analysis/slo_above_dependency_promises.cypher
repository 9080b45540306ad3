// Which services promise more than their hard dependencies promise together?
// service; target: its active SLO; promised: product of what the hard dependencies promise (active SLO, else what an
// external provider publishes); unpromised: hard dependencies that promise nothing and are left out of the product
MATCH (service:Service)-[:HAS_SLO]->(slo:ActiveSlo {sli_type: 'AVAILABILITY'})
MATCH (service)-[edge:DEPENDS_ON {mode: 'SYNC', criticality: 'HARD'}]->(dependency:Service)
WHERE NOT edge.is_stale AND edge.redundancy_group IS NULL
OPTIONAL MATCH (dependency)-[:HAS_SLO]->(promise:ActiveSlo {sli_type: 'AVAILABILITY'})
WITH service, slo, dependency, coalesce(promise.availability_target, dependency.published_availability_ratio) AS promised
WITH service, slo, collect(promised) AS promises,
     collect(CASE WHEN promised IS NULL THEN dependency.service_id END) AS unpromised
WITH service, slo, unpromised, reduce(product = 1.0, promise IN promises | product * promise) AS promised
WHERE slo.availability_target > promised
RETURN service.service_id AS service, slo.availability_target AS target, promised, unpromised
ORDER BY target - promised DESC, service
