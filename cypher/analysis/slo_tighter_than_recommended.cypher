// Which active SLOs are tighter than the Balanced recommendation, so that they will be missed more than once a year?
// service; target: the active SLO; balanced, conservative: recommended now; source: how the SLO came to be
MATCH (slo:ActiveSlo {sli_type: 'AVAILABILITY'})
MATCH (:NewestAnswer {service_id: slo.service_id, sli_type: 'AVAILABILITY'})-[:IS]->(recommendation:Recommendation)
WHERE slo.availability_target > recommendation.balanced_target
RETURN slo.service_id AS service, slo.availability_target AS target, recommendation.balanced_target AS balanced,
       recommendation.conservative_target AS conservative, slo.source AS source
ORDER BY target - balanced DESC, service
