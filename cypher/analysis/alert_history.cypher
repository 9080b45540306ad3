// What happened to alerts of circular dependencies, newest alert first? Each was seen, has grown, was acknowledged or resolved.
// alert; status: where it stands; path: a shortest way round; line: number in its history, 1 the oldest; change: what happened,
// as JSON: at, status, by (null: the engine, because the cycle changed), text
MATCH (found:CircularDependencyAlert)
UNWIND range(1, size(found.history)) AS line
WITH found, line ORDER BY found.detected_at DESC, found.alert_id, line
LIMIT 100
RETURN found.alert_id AS alert, found.status AS status, found.cycle_path AS path, line,
       found.history[line - 1] AS change
ORDER BY found.detected_at DESC, alert, line
