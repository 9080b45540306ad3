// Drift events by id.
// $event_ids: list[str]   -> document: str, outcome: str | null
MATCH (event:DriftEvent)
WHERE event.event_id IN $event_ids
RETURN event.document AS document, event.outcome AS outcome
ORDER BY event.event_id
