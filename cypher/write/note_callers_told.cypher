// It has been looked at whose objective a decision breaks: the event that says so, unless one with its id was appended
// before, and the need goes. $audit_id: str, $events: list of map (one, or none where nobody's objective breaks)
FOREACH (properties IN $events |
  MERGE (event:OutboxEvent {event_id: properties.event_id})
  ON CREATE SET event = properties, event:PendingEvent
)
WITH 1 AS one
MATCH (need:CallersToTell {audit_id: $audit_id})
DELETE need
