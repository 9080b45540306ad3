// A bulk recommendation; a job that is known stays as it is.
// $job_id: str, $pending: list[str] (service ids), $status: str, $options: str (JSON object)
MERGE (job:RecommendationJob {job_id: $job_id})
ON CREATE SET job.status = $status, job.total = size($pending), job.failed = 0, job.pending = $pending,
              job.options = $options, job.created_at = datetime(), job.touched_at = datetime()
