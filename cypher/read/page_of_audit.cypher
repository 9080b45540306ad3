// Audit entries that a filter lets through, newest first.
// $service_id, $actor: str | null; $actions: list[str] | null; $from_at, $to_at: datetime | null;
// $before_sequence: int | null (the last row's); $limit: int   -> one row an entry, columns as audit_rows.ENTRY_COLUMNS
MATCH (entry:AuditEvent)
WHERE ($service_id IS NULL OR entry.service_id = $service_id) AND ($actor IS NULL OR entry.actor = $actor)
  AND ($actions IS NULL OR entry.action IN $actions)
  AND ($from_at IS NULL OR entry.at >= $from_at) AND ($to_at IS NULL OR entry.at < $to_at)
  AND ($before_sequence IS NULL OR entry.sequence < $before_sequence)
WITH entry ORDER BY entry.sequence DESC LIMIT $limit
RETURN entry.audit_id, entry.sequence, entry.action, entry.actor, entry.service_id, entry.sli_type,
       entry.at.epochSeconds * 1000000 + entry.at.microsecond, entry.hash, entry.previous_hash,
       entry.recommendation_id, entry.previous, entry.new, entry.delta, entry.rationale
ORDER BY entry.sequence DESC
