// Notes that the merged graph has changed; the version moves when its condensation is written or found to stand.
// $is_reshaped: bool: services or dependencies that are not stale have come or gone
MERGE (state:GraphState {name: 'graph'})
ON CREATE SET state.version = 0
SET state.has_pending_change = true, state.is_reshaped = coalesce(state.is_reshaped, false) OR $is_reshaped
