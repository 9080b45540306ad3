// Drift events that a filter lets through, newest first.
// $service_id, $sli_type: str | null; $from_at: datetime | null; $before_us: int | null, $after_id: str | null (the last
// row's); $limit: int   -> document: str, outcome: str | null
MATCH (event:DriftEvent)
WHERE ($service_id IS NULL OR event.service_id = $service_id) AND ($sli_type IS NULL OR event.sli_type = $sli_type)
  AND ($from_at IS NULL OR event.detected_at >= $from_at)
WITH event, event.detected_at.epochSeconds * 1000000 + event.detected_at.microsecond AS at_us
WHERE $before_us IS NULL OR at_us < $before_us OR (at_us = $before_us AND event.event_id > $after_id)
WITH event, at_us ORDER BY at_us DESC, event.event_id LIMIT $limit
RETURN event.document AS document, event.outcome AS outcome
ORDER BY at_us DESC, event.event_id
