// Circular-dependency alerts, each linked to its supernode while that exists. One that was changed since it was read, so
// that its revision is not the one before, is left as it is. One that is new gets its event.
// $rows: list of maps with alert_id, supernode_id, the properties to set (null removes one) and event: map   -> written: int
UNWIND $rows AS row
MERGE (alert:CircularDependencyAlert {alert_id: row.alert_id})
ON CREATE SET alert.revision = row.properties.revision - 1, alert.is_untold = true
SET alert.locked_at = row.properties.detected_at
WITH alert, row
WHERE coalesce(alert.revision, 0) = row.properties.revision - 1
SET alert += row.properties
FOREACH (_ IN CASE WHEN alert.is_untold THEN [1] ELSE [] END | CREATE (event:OutboxEvent:PendingEvent) SET event = row.event)
REMOVE alert.is_untold
WITH alert, row
OPTIONAL MATCH (alert)-[old:CONCERNS]->(:Supernode)
DELETE old
WITH alert, row
OPTIONAL MATCH (supernode:Supernode {supernode_id: row.supernode_id})
FOREACH (_ IN CASE WHEN supernode IS NULL THEN [] ELSE [1] END | MERGE (alert)-[:CONCERNS]->(supernode))
RETURN count(DISTINCT alert) AS written
