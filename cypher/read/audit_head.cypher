// Where the audit trail ends, stored apart from it.
//   -> sequence: int, hash: str
MATCH (head:AuditHead {name: 'audit'})
RETURN coalesce(head.sequence, 0) AS sequence, coalesce(head.hash, '') AS hash
