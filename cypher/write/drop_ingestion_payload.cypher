// Drops the payload of an ingestion that has ended.
// $ingestion_id: str
MATCH (chunk:IngestionPayload {ingestion_id: $ingestion_id})
WHERE chunk.position IS NOT NULL
DETACH DELETE chunk
