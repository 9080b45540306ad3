// Drift events whose recommendation is still to be looked at, oldest first.
// $limit: int   -> document: str, outcome: str | null
MATCH (event:UnfinishedDrift)
WITH event ORDER BY event.detected_at, event.event_id LIMIT $limit
RETURN event.document AS document, event.outcome AS outcome
ORDER BY event.detected_at, event.event_id
