// How many drift events a filter lets through; parameters as in page_of_drift.
//   -> total: int
MATCH (event:DriftEvent)
WHERE ($service_id IS NULL OR event.service_id = $service_id) AND ($sli_type IS NULL OR event.sli_type = $sli_type)
  AND ($from_at IS NULL OR event.detected_at >= $from_at)
RETURN count(*) AS total
