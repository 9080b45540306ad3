// New answers, one a service and SLI type: a recommendation, or the reason why there is none. The answer before ends:
// an active recommendation becomes superseded. The answer's node is locked, so that two at once follow each other.
// A recommendation that is stored already is left as it stands, with what followed it: rows may be sent twice. One that
// is new gets its event.
// $rows: list of {service_id, sli_type, recommendation_id: str | null, recommendation: map | null,
// event: map | null, unavailable: str | null (document), reason: str | null}, $now: datetime   -> position: int, sequence: int
UNWIND range(0, size($rows) - 1) AS position
WITH position, $rows[position] AS row
OPTIONAL MATCH (stored:Recommendation {recommendation_id: row.recommendation_id})
WITH position, row, stored
WHERE stored IS NULL
MERGE (answer:NewestAnswer {service_id: row.service_id, sli_type: row.sli_type})
SET answer.sequence = coalesce(answer.sequence, 0) + 1, answer.answered_at = $now,
    answer.unavailable = row.unavailable, answer.reason = row.reason
WITH position, row, answer
OPTIONAL MATCH (answer)-[is:IS]->(old:Recommendation)
SET old.touched_at = $now  // locks it against a decision
WITH position, row, answer, is, old
DELETE is
FOREACH (_ IN CASE WHEN old.status = 'ACTIVE' THEN [1] ELSE [] END |
  SET old.status = 'SUPERSEDED', old.superseded_at = $now)
FOREACH (_ IN CASE WHEN row.recommendation IS NOT NULL THEN [1] ELSE [] END |
  CREATE (recommendation:Recommendation)
  SET recommendation = row.recommendation, recommendation.sequence = answer.sequence
  CREATE (answer)-[:IS]->(recommendation)
  CREATE (event:OutboxEvent:PendingEvent)
  SET event = row.event)
WITH position, row, answer
OPTIONAL MATCH (service:Service {service_id: row.service_id}) WHERE row.recommendation IS NOT NULL
OPTIONAL MATCH (answer)-[:IS]->(recommendation:Recommendation)
FOREACH (_ IN CASE WHEN service IS NOT NULL AND recommendation IS NOT NULL THEN [1] ELSE [] END |
  CREATE (service)-[:HAS_RECOMMENDATION]->(recommendation))
RETURN position, answer.sequence AS sequence
ORDER BY position
