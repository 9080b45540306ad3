// Events that have been relayed; those relayed more than a week ago go.
// $event_ids: list[str]
CALL () {
  MATCH (event:OutboxEvent)
  WHERE event.event_id IN $event_ids
  REMOVE event:PendingEvent
  SET event.relayed_at = datetime()
}
MATCH (old:OutboxEvent)
WHERE old.relayed_at < datetime() - duration({days: 7})
WITH old LIMIT 1000
DELETE old
