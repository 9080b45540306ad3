// Events that have not been relayed yet, in the order of their numbers; those that have none yet come last, oldest first.
// $limit: int   -> number: int | null, event_id: str, kind: str, service_id: str | null, at_us: int, payload: str (JSON)
MATCH (event:PendingEvent)
WITH event ORDER BY event.number, event.at, event.sequence, event.event_id LIMIT $limit
RETURN event.number AS number, event.event_id AS event_id, event.kind AS kind, event.service_id AS service_id,
       event.at.epochSeconds * 1000000 + event.at.microsecond AS at_us, event.payload AS payload
ORDER BY number, event.at, event.sequence, event_id
