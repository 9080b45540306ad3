// The graph version that the stored analysis is of.
//   -> graph_version: int
MATCH (analysis:GraphAnalysis {name: 'services'})
RETURN analysis.graph_version AS graph_version
