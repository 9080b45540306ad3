// Appends an event to the outbox, unless one with its id was appended before. $event: map
MERGE (event:OutboxEvent {event_id: $event.event_id})
ON CREATE SET event = $event, event:PendingEvent
