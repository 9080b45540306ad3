// Notes that the stored condensation is that of the merged graph.
MATCH (state:GraphState {name: 'graph'})
SET state.is_reshaped = false
