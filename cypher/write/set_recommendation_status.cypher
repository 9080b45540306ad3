// What became of a recommendation.
// $recommendation_id, $status: str, $now: datetime
MATCH (recommendation:Recommendation {recommendation_id: $recommendation_id})
SET recommendation.status = $status, recommendation.decided_at = $now
