// Stores the progress or outcome of an ingestion, and its event; a final status ends its tally.
// $ingestion_id: str, $properties: map (null removes one), $event: map, $is_final: bool
MERGE (ingestion:Ingestion {ingestion_id: $ingestion_id})
SET ingestion += $properties, ingestion.progressed_at = datetime()
CREATE (event:OutboxEvent:PendingEvent)
SET event = $event
WITH ingestion
WHERE $is_final
MATCH (tally:IngestionTally {ingestion_id: $ingestion_id})
DELETE tally
