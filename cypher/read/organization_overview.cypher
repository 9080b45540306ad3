// The organisation in a few counts.
// $top: int   -> services, with_active_slo, with_recommendation, budget_exhausted, budget_at_risk,
//                accepted, modified, rejected: int, top_risks: list[str]
CALL () {
  MATCH (service:Service) RETURN count(service) AS services
}
CALL () {
  MATCH (slo:ActiveSlo) RETURN count(DISTINCT slo.service_id) AS with_active_slo
}
CALL () {
  MATCH (answer:NewestAnswer)-[:IS]->(:Recommendation)
  RETURN count(DISTINCT answer.service_id) AS with_recommendation
}
CALL () {
  MATCH (entry:AuditEvent)
  RETURN count(CASE WHEN entry.action IN ['ACCEPT', 'AUTO_APPROVE'] THEN 1 END) AS accepted,
         count(CASE WHEN entry.action = 'MODIFY' THEN 1 END) AS modified,
         count(CASE WHEN entry.action = 'REJECT' THEN 1 END) AS rejected
}
CALL () {
  MATCH (slo:ActiveSlo)
  WITH slo.service_id AS service_id, max(CASE WHEN slo.at_risk_since IS NOT NULL THEN 1 ELSE 0 END) AS at_risk
  MATCH (service:Service {service_id: service_id})
  WITH service_id, service.budget_remaining_ratio AS left, at_risk
  WITH service_id, left, coalesce(left <= 0.0, false) AS exhausted, at_risk = 1 AS at_risk
  WHERE exhausted OR at_risk
  ORDER BY coalesce(left, 1.0), service_id
  RETURN count(CASE WHEN exhausted THEN 1 END) AS budget_exhausted,
         count(CASE WHEN NOT exhausted THEN 1 END) AS budget_at_risk, collect(service_id)[0..$top] AS top_risks
}
RETURN services, with_active_slo, with_recommendation, budget_exhausted, budget_at_risk, accepted, modified, rejected,
       top_risks
