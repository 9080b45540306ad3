// What a decision is about: the recommendation and the active SLO as they stand.
// $service_id, $sli_type: str, $recommendation_id: str | null
//   -> recommendation: str | null (document), status: str | null, slo: str | null (document)
OPTIONAL MATCH (recommendation:Recommendation {recommendation_id: $recommendation_id})
OPTIONAL MATCH (slo:ActiveSlo {service_id: $service_id, sli_type: $sli_type})
RETURN recommendation.document AS recommendation, recommendation.status AS status, slo.document AS slo
