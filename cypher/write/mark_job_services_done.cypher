// Services of a job that are done; one that was done already counts no second time.
// $job_id: str, $service_ids: list[str], $failed: int (how many of them failed)
MATCH (job:RecommendationJob {job_id: $job_id})
SET job.touched_at = datetime()
WITH job, job.pending AS pending, [id IN job.pending WHERE NOT id IN $service_ids] AS left
WITH job, left, size(pending) - size(left) AS newly_done
SET job.pending = left,
    job.failed = job.failed + CASE WHEN $failed < newly_done THEN $failed ELSE newly_done END,
    job.status = CASE WHEN size(left) = 0 THEN 'SUCCEEDED' WHEN newly_done > 0 THEN 'RUNNING' ELSE job.status END
