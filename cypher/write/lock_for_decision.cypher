// Locks the head of the audit trail, so that decisions follow each other, and the recommendation, so that it neither
// expires nor is superseded meanwhile.
// $recommendation_id: str | null, $now: datetime   -> sequence: int, hash: str
MERGE (head:AuditHead {name: 'audit'})
SET head.locked_at = $now
WITH head
OPTIONAL MATCH (recommendation:Recommendation {recommendation_id: $recommendation_id})
SET recommendation.touched_at = $now
RETURN coalesce(head.sequence, 0) AS sequence, coalesce(head.hash, '') AS hash
