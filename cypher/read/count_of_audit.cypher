// How many audit entries a filter lets through; parameters as in page_of_audit.
//   -> total: int
MATCH (entry:AuditEvent)
WHERE ($service_id IS NULL OR entry.service_id = $service_id) AND ($actor IS NULL OR entry.actor = $actor)
  AND ($actions IS NULL OR entry.action IN $actions)
  AND ($from_at IS NULL OR entry.at >= $from_at) AND ($to_at IS NULL OR entry.at < $to_at)
RETURN count(*) AS total
