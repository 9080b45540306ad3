// Numbered events behind a number, in order.
// $number: int, $limit: int   -> number: int, event_id: str, kind: str, service_id: str | null, at_us: int, payload: str (JSON)
MATCH (event:OutboxEvent)
WHERE event.number > $number
WITH event ORDER BY event.number LIMIT $limit
RETURN event.number AS number, event.event_id AS event_id, event.kind AS kind, event.service_id AS service_id,
       event.at.epochSeconds * 1000000 + event.at.microsecond AS at_us, event.payload AS payload
ORDER BY number
