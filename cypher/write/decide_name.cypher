// Writes what a person decided on a name, under the lock of lock_names: the ids that names have now, or that one is forgotten, and
// the entry of the audit trail with its head.
// $rows: list of {short_id, namespace, kind, service_id, owned: str | null}; $forgotten: {short_id, namespace, kind} | null; $entry: map
MATCH (head:AuditHead {name: 'audit'})
OPTIONAL MATCH (last:AuditEvent {sequence: $entry.sequence - 1})
OPTIONAL MATCH (service:Service {service_id: $entry.service_id})
CREATE (entry:AuditEvent)
SET entry = $entry, head.sequence = $entry.sequence, head.hash = $entry.hash
FOREACH (_ IN CASE WHEN last IS NOT NULL THEN [1] ELSE [] END | CREATE (entry)-[:FOLLOWS]->(last))
FOREACH (_ IN CASE WHEN service IS NOT NULL THEN [1] ELSE [] END | CREATE (entry)-[:ABOUT]->(service))
WITH entry
CALL () {
  UNWIND $rows AS row
  MATCH (name:RememberedName {short_id: row.short_id, namespace: row.namespace, kind: row.kind})
  SET name.service_id = row.service_id, name.owned = row.owned
}
CALL () {
  MATCH (gone:RememberedName {short_id: $forgotten.short_id, namespace: $forgotten.namespace, kind: $forgotten.kind})
  DELETE gone
}
