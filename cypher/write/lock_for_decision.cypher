// Locks the head of the audit trail, so that decisions follow each other, and the recommendation, so that it neither
// expires nor is superseded meanwhile; then reads, under these locks, what may have changed of what the decision is about.
// $service_id, $sli_type: str, $recommendation_id: str | null, $now: datetime
//   -> sequence: int, hash: str, status: str | null (no such recommendation), slo_id: str | null (none is active)
MERGE (head:AuditHead {name: 'audit'})
SET head.locked_at = $now
WITH head
OPTIONAL MATCH (recommendation:Recommendation {recommendation_id: $recommendation_id})
SET recommendation.touched_at = $now
WITH head, recommendation
OPTIONAL MATCH (slo:ActiveSlo {service_id: $service_id, sli_type: $sli_type})
RETURN coalesce(head.sequence, 0) AS sequence, coalesce(head.hash, '') AS hash,
       recommendation.status AS status, slo.slo_id AS slo_id
