// Recommendations by id.
// $recommendation_ids: list[str]   -> recommendation_id: str, document: str, status: str
MATCH (recommendation:Recommendation)
WHERE recommendation.recommendation_id IN $recommendation_ids
RETURN recommendation.recommendation_id AS recommendation_id, recommendation.document AS document,
       recommendation.status AS status
ORDER BY recommendation_id
