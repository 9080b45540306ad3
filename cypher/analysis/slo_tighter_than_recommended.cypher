// Which active SLOs are tighter than today's Conservative recommendation, so that they are likely to be missed?
//   -> service, promised, conservative_target, balanced_target, confidence
MATCH (service:Service)-[:HAS_SLO]->(slo:ActiveSlo {sli_type: 'AVAILABILITY'})
MATCH (service)-[:HAS_RECOMMENDATION]->(recommendation:Recommendation {sli_type: 'AVAILABILITY'})
WHERE recommendation.status IN ['ACTIVE', 'ACCEPTED'] AND slo.availability_target > recommendation.conservative_target
WITH service, slo, recommendation ORDER BY recommendation.generated_at DESC
WITH service, slo, collect(recommendation)[0] AS newest
RETURN service.service_id AS service, slo.availability_target AS promised,
       newest.conservative_target AS conservative_target, newest.balanced_target AS balanced_target,
       newest.confidence AS confidence
ORDER BY promised - conservative_target DESC, service
