// Which recommendations rest on little? Confidence below one half, the least first.
// service; sli_type; confidence; days_of_history; cold_start: under 30 days; limited_by: what kept the targets down
MATCH (recommendation:Recommendation {status: 'ACTIVE'})
WHERE recommendation.confidence < 0.5
RETURN recommendation.service_id AS service, recommendation.sli_type AS sli_type,
       recommendation.confidence AS confidence, recommendation.days_of_history AS days_of_history,
       recommendation.cold_start AS cold_start, recommendation.limited_by AS limited_by
ORDER BY confidence, service, sli_type
