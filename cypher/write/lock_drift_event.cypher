// Locks the head of the audit trail and an event that is still unfinished; no row when it is finished already.
// $event_id: str, $now: datetime   -> sequence: int, hash: str (of the head)
MERGE (head:AuditHead {name: 'audit'})
SET head.locked_at = $now
WITH head
MATCH (event:DriftEvent {event_id: $event_id})
SET event.touched_at = $now
WITH head, event
WHERE event:UnfinishedDrift
RETURN coalesce(head.sequence, 0) AS sequence, coalesce(head.hash, '') AS hash
