// Decisions of which it has still to be looked at whose objective they break, oldest first.
// $older_than: datetime, $limit: int   -> audit_id: str
MATCH (need:CallersToTell)
WHERE need.at <= $older_than
RETURN need.audit_id AS audit_id
ORDER BY need.at, audit_id LIMIT $limit
