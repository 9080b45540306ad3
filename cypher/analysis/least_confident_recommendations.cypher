// Which active recommendations should nobody accept without a second look?
//   -> service, sli, confidence, balanced_target, generated
MATCH (service:Service)-[:HAS_RECOMMENDATION]->(recommendation:Recommendation {status: 'ACTIVE'})
WHERE recommendation.confidence < 0.5
RETURN service.service_id AS service, recommendation.sli_type AS sli, recommendation.confidence AS confidence,
       recommendation.balanced_target AS balanced_target, recommendation.generated_at AS generated
ORDER BY confidence, service, sli
