// Recommendation jobs that wait or run and have shown no progress for a while, oldest first.
// $older_than: datetime   -> job_id: str
MATCH (job:RecommendationJob)
WHERE job.status IN ['QUEUED', 'RUNNING'] AND job.touched_at < $older_than
RETURN job.job_id AS job_id
ORDER BY job.created_at, job_id
