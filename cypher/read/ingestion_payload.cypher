// The payload of an ingestion, in pieces.
// $ingestion_id: str   -> piece: bytes
MATCH (chunk:IngestionPayload {ingestion_id: $ingestion_id})
RETURN chunk.bytes AS piece
ORDER BY chunk.position
