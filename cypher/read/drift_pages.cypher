// The same page of several services' drift events, newest first, and how many each has.
// $service_ids: list[str]; $before_us: int | null, $after_id: str | null (the last row's); $limit: int
//   -> service_id: str, total: int, events: list of [document, outcome]
UNWIND $service_ids AS service_id
CALL (service_id) {
  MATCH (event:DriftEvent {service_id: service_id})
  RETURN count(*) AS total
}
CALL (service_id) {
  MATCH (event:DriftEvent {service_id: service_id})
  WITH event, event.detected_at.epochSeconds * 1000000 + event.detected_at.microsecond AS at_us
  WHERE $before_us IS NULL OR at_us < $before_us OR (at_us = $before_us AND event.event_id > $after_id)
  WITH event, at_us ORDER BY at_us DESC, event.event_id LIMIT $limit
  RETURN collect([event.document, event.outcome]) AS events
}
RETURN service_id, total, events
ORDER BY service_id
