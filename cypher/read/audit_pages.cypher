// The same page of several services' audit entries, newest first, and how many each has.
// $service_ids: list[str], $before_sequence: int | null (the last row's), $limit: int
//   -> service_id: str, total: int, entries: list of lists as audit_rows.ENTRY_COLUMNS
UNWIND $service_ids AS service_id
CALL (service_id) {
  MATCH (entry:AuditEvent {service_id: service_id})
  RETURN count(*) AS total
}
CALL (service_id) {
  MATCH (entry:AuditEvent {service_id: service_id})
  WHERE $before_sequence IS NULL OR entry.sequence < $before_sequence
  WITH entry ORDER BY entry.sequence DESC LIMIT $limit
  RETURN collect([entry.audit_id, entry.sequence, entry.action, entry.actor, entry.service_id, entry.sli_type,
       entry.at.epochSeconds * 1000000 + entry.at.microsecond, entry.hash, entry.previous_hash,
       entry.recommendation_id, entry.previous, entry.new, entry.delta, entry.rationale]) AS entries
}
RETURN service_id, total, entries
ORDER BY service_id
