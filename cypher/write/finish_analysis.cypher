// Notes which graph version the stored analysis is of, unless a newer one is noted.
// $graph_version: int, $now: datetime   -> graph_version: int (noted now)
MERGE (analysis:GraphAnalysis {name: 'services'})
ON CREATE SET analysis.graph_version = -1
SET analysis.locked = true // takes the lock before the version is looked at
REMOVE analysis.locked
WITH analysis
SET analysis.computed_at = CASE WHEN analysis.graph_version <= $graph_version THEN $now ELSE analysis.computed_at END,
    analysis.graph_version = CASE WHEN analysis.graph_version <= $graph_version THEN $graph_version
                                  ELSE analysis.graph_version END
RETURN analysis.graph_version AS graph_version
