// When the changes behind drift events began, of every service; by when they were detected.
// $from_at, $until: datetime   -> event_id: str, service_id: str, started_us: int (microseconds since 1970)
MATCH (event:DriftEvent)
WHERE event.detected_at >= $from_at AND event.detected_at < $until
RETURN event.event_id AS event_id, event.service_id AS service_id,
  event.started_at.epochSeconds * 1000000 + event.started_at.microsecond AS started_us
ORDER BY event_id
