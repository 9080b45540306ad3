// Divergences as they are; one that is new gets its event, once: whoever waits for the creator of a node finds it told.
// $rows: list of {divergence_id, caller, dependency, properties: map, event: map}, $now: datetime   -> divergence_id: str (new)
UNWIND $rows AS row
MATCH (caller:Service {service_id: row.caller})
MATCH (dependency:Service {service_id: row.dependency})
MERGE (divergence:Divergence {divergence_id: row.divergence_id})
ON CREATE SET divergence.detected_at = $now, divergence.is_untold = true
SET divergence += row.properties
MERGE (caller)-[:DIVERGES]->(divergence)
MERGE (divergence)-[:FROM_DEPENDENCY]->(dependency)
WITH divergence, row
WHERE divergence.is_untold
REMOVE divergence.is_untold
CREATE (event:OutboxEvent:PendingEvent)
SET event = row.event
RETURN divergence.divergence_id AS divergence_id
ORDER BY divergence_id
