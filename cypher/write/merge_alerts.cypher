// Circular-dependency alerts, each linked to its supernode while that exists.
// $rows: list of maps with alert_id, supernode_id and the properties to set (null removes one)
UNWIND $rows AS row
MERGE (alert:CircularDependencyAlert {alert_id: row.alert_id})
SET alert += row.properties
WITH alert, row
OPTIONAL MATCH (alert)-[old:CONCERNS]->(:Supernode)
DELETE old
WITH alert, row
MATCH (supernode:Supernode {supernode_id: row.supernode_id})
MERGE (alert)-[:CONCERNS]->(supernode)
