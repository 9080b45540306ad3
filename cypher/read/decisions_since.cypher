// Services that were decided on after an entry of the audit trail, and the number of the newest entry.
// $sequence: int, $limit: int   -> sequence: int, service_ids: list[str] (at most $limit entries are looked at)
MATCH (head:AuditHead {name: 'audit'})
CALL () {
  MATCH (entry:AuditEvent) WHERE entry.sequence > $sequence
  WITH entry LIMIT $limit
  RETURN collect(DISTINCT entry.service_id) AS service_ids
}
RETURN coalesce(head.sequence, 0) AS sequence, service_ids
