// The same page of several services' recommendations, newest first, and how many each has.
// $service_ids: list[str]; $sli_type, $status: str | null; $before_us, $before_sequence: int | null and
// $after_id: str | null (the last row's); $limit: int
//   -> service_id: str, total: int, rows: list of [document, status, sequence]
// PROFILE must show NodeIndexSeek: an index of several properties is used only where each of them is asked for.
UNWIND $service_ids AS service_id
CALL (service_id) {
  MATCH (recommendation:Recommendation {service_id: service_id})
  WHERE recommendation.sli_type IS NOT NULL AND recommendation.generated_at IS NOT NULL
    AND ($sli_type IS NULL OR recommendation.sli_type = $sli_type)
    AND ($status IS NULL OR recommendation.status = $status)
  RETURN count(*) AS total
}
CALL (service_id) {
  MATCH (recommendation:Recommendation {service_id: service_id})
  WHERE recommendation.sli_type IS NOT NULL AND recommendation.generated_at IS NOT NULL
    AND ($sli_type IS NULL OR recommendation.sli_type = $sli_type)
    AND ($status IS NULL OR recommendation.status = $status)
  WITH recommendation, recommendation.sequence AS sequence, recommendation.recommendation_id AS id,
       recommendation.generated_at.epochSeconds * 1000000 + recommendation.generated_at.microsecond AS us
  WHERE $before_us IS NULL OR us < $before_us OR (us = $before_us AND (sequence < $before_sequence
    OR (sequence = $before_sequence AND id > $after_id)))
  WITH recommendation, sequence ORDER BY us DESC, sequence DESC, id LIMIT $limit
  RETURN collect([recommendation.document, recommendation.status, sequence]) AS rows
}
RETURN service_id, total, rows
ORDER BY service_id
