// The graph version, how many supernodes are stored, and whether the condensation is behind the merged graph.
//   -> version: int, supernodes: int, is_reshaped: bool
OPTIONAL MATCH (state:GraphState {name: 'graph'})
RETURN coalesce(state.version, 0) AS version, COUNT { (:Supernode) } AS supernodes,
       coalesce(state.is_reshaped, state.has_pending_change, false) AS is_reshaped
