// Which critical services have no active availability SLO, and is there a recommendation to accept?
//   -> service, team, balanced_target, confidence
MATCH (service:Service {criticality: 'CRITICAL'})
WHERE NOT (service)-[:HAS_SLO]->(:ActiveSlo {sli_type: 'AVAILABILITY'}) AND NOT service.external
OPTIONAL MATCH (service)-[:HAS_RECOMMENDATION]->(recommendation:Recommendation {sli_type: 'AVAILABILITY', status: 'ACTIVE'})
RETURN service.service_id AS service, service.team AS team, recommendation.balanced_target AS balanced_target,
       recommendation.confidence AS confidence
ORDER BY confidence DESC, service
