// The graph version; moves whenever the merged graph changes.
//   -> version: int
MATCH (state:GraphState {name: 'graph'})
RETURN state.version AS version
