// Audit entries by id.
// $audit_ids: list[str]   -> one row an entry, columns as audit_rows.ENTRY_COLUMNS
MATCH (entry:AuditEvent)
WHERE entry.audit_id IN $audit_ids
RETURN entry.audit_id, entry.sequence, entry.action, entry.actor, entry.service_id, entry.sli_type,
       entry.at.epochSeconds * 1000000 + entry.at.microsecond, entry.hash, entry.previous_hash,
       entry.recommendation_id, entry.previous, entry.new, entry.delta, entry.rationale
ORDER BY entry.sequence
