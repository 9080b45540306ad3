// Which services promise no availability, most called first?
// service; team; criticality; callers: direct ones; recommended: balanced target on offer, null when there is none
MATCH (service:Service)
WHERE NOT service.external AND NOT EXISTS { (service)-[:HAS_SLO]->(:ActiveSlo {sli_type: 'AVAILABILITY'}) }
OPTIONAL MATCH (service)-[:HAS_RECOMMENDATION]->(recommendation:Recommendation {sli_type: 'AVAILABILITY', status: 'ACTIVE'})
RETURN service.service_id AS service, service.team AS team, service.criticality AS criticality,
       COUNT { (service)<-[:DEPENDS_ON]-() } AS callers, recommendation.balanced_target AS recommended
ORDER BY callers DESC, service
LIMIT 100
