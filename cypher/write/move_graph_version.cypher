// Locks the graph version, moves it when the graph has changed, and answers the one then in force. A change that an
// earlier batch noted moves it too, so that work cut off between its batches is not forgotten.
// $changed: bool, $now: datetime   -> version: int
MERGE (state:GraphState {name: 'graph'})
SET state.locked_at = $now
WITH state, $changed OR coalesce(state.has_pending_change, false) AS has_changed
SET state.version = coalesce(state.version, 0) + CASE WHEN has_changed THEN 1 ELSE 0 END,
    state.changed_at = CASE WHEN has_changed THEN $now ELSE state.changed_at END,
    state.has_pending_change = false
RETURN state.version AS version
