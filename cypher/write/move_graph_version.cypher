// Locks the graph version, moves it when the graph has changed, and answers the one then in force. A change that an
// earlier batch noted moves it too, so that work cut off between its batches is not forgotten. That it has moved gets its
// event.
// $changed: bool, $event: map, $ingestion: str (JSON; what moved it), $now: datetime   -> version: int
MERGE (state:GraphState {name: 'graph'})
SET state.locked_at = $now
WITH state, $changed OR coalesce(state.has_pending_change, false) AS has_changed
SET state.version = coalesce(state.version, 0) + CASE WHEN has_changed THEN 1 ELSE 0 END,
    state.changed_at = CASE WHEN has_changed THEN $now ELSE state.changed_at END,
    state.has_pending_change = false
WITH state, has_changed, state.version AS version
FOREACH (_ IN CASE WHEN has_changed THEN [1] ELSE [] END |
  CREATE (event:OutboxEvent:PendingEvent)
  SET event = $event, event.payload = '{"graphVersion":' + toString(version) + ',"ingestion":' + $ingestion + '}')
RETURN version
