// Active recommendations past their end expire. The first SET locks each, so that one decided meanwhile stays decided.
// $now: datetime   -> service_id: str
MATCH (recommendation:Recommendation)
WHERE recommendation.status = 'ACTIVE' AND recommendation.expires_at <= $now
SET recommendation.touched_at = $now
WITH recommendation
WHERE recommendation.status = 'ACTIVE'
SET recommendation.status = 'EXPIRED'
RETURN DISTINCT recommendation.service_id AS service_id
ORDER BY service_id
