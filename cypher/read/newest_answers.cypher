// The newest answer of each of these services for one SLI type.
// $service_ids: list[str], $sli_type: str
//   -> service_id: str, unavailable: str | null (document), document: str | null, status: str | null
MATCH (answer:NewestAnswer)
WHERE answer.service_id IN $service_ids AND answer.sli_type = $sli_type
OPTIONAL MATCH (answer)-[:IS]->(recommendation:Recommendation)
RETURN answer.service_id AS service_id, answer.unavailable AS unavailable, recommendation.document AS document,
       recommendation.status AS status
ORDER BY service_id
