// How many alerts have this status, or any.
// $status: str | null   -> total: int
MATCH (alert:CircularDependencyAlert)
WHERE $status IS NULL OR alert.status = $status
RETURN count(*) AS total
