// Appends an entry to the audit trail, moves the head (which the transaction has locked) and leaves the event to relay.
// $entry: map, $event: map
MATCH (head:AuditHead {name: 'audit'})
OPTIONAL MATCH (last:AuditEvent {sequence: $entry.sequence - 1})
CREATE (entry:AuditEvent)
SET entry = $entry, head.sequence = $entry.sequence, head.hash = $entry.hash
FOREACH (_ IN CASE WHEN last IS NOT NULL THEN [1] ELSE [] END | CREATE (entry)-[:FOLLOWS]->(last))
CREATE (event:OutboxEvent:PendingEvent)
SET event = $event
WITH entry
MATCH (service:Service {service_id: $entry.service_id})
CREATE (entry)-[:ABOUT]->(service)
