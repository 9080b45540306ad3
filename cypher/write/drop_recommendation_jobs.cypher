// Drops jobs that were done by then, some thousand to a transaction (run outside of one).
// $before: datetime   -> dropped: int
MATCH (job:RecommendationJob)
WHERE job.status IN ['SUCCEEDED', 'FAILED'] AND job.touched_at < $before
CALL (job) { DETACH DELETE job } IN TRANSACTIONS OF 1000 ROWS
RETURN count(*) AS dropped
