// Locks the head of the audit trail, so that one decision on a name is made after the other.
// $now: datetime   -> sequence: int, hash: str (of the head)
MERGE (head:AuditHead {name: 'audit'})
SET head.locked_at = $now
RETURN coalesce(head.sequence, 0) AS sequence, coalesce(head.hash, '') AS hash
