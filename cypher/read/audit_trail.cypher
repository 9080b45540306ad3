// The whole audit trail in order, to be verified.
//   -> one row an entry, columns as audit_rows.ENTRY_COLUMNS
MATCH (entry:AuditEvent)
RETURN entry.audit_id, entry.sequence, entry.action, entry.actor, entry.service_id, entry.sli_type,
       entry.at.epochSeconds * 1000000 + entry.at.microsecond, entry.hash, entry.previous_hash,
       entry.recommendation_id, entry.previous, entry.new, entry.delta, entry.rationale
ORDER BY entry.sequence
