// Notes that the merged graph has changed; the version moves when its condensation is written.
MERGE (state:GraphState {name: 'graph'})
ON CREATE SET state.version = 0
SET state.has_pending_change = true
