// All that a decision on a recommendation is about: itself, the active SLO and the service that it is for.
// $recommendation_id: str
//   -> recommendation: str (document), status: str, slo: str | null (document),
//      service: list | null, in it columns as in service_rows.SERVICE_COLUMNS; no row: no such recommendation
MATCH (recommendation:Recommendation {recommendation_id: $recommendation_id})
OPTIONAL MATCH (slo:ActiveSlo {service_id: recommendation.service_id, sli_type: recommendation.sli_type})
OPTIONAL MATCH (service:Service {service_id: recommendation.service_id})
RETURN recommendation.document AS recommendation, recommendation.status AS status, slo.document AS slo,
       CASE WHEN service IS NOT NULL THEN
         [service.service_id, service.name, service.team, service.criticality, service.entity_ref, service.external,
          service.discovered, service.published_availability_ratio, service.metadata,
          service.created_at.epochSeconds * 1000000 + service.created_at.microsecond,
          service.updated_at.epochSeconds * 1000000 + service.updated_at.microsecond]
       END AS service
