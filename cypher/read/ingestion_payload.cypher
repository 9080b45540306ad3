// The payload of an ingestion, in pieces.
// $ingestion_id: str   -> piece: bytes, encoding: str | None (then as it is)
MATCH (chunk:IngestionPayload {ingestion_id: $ingestion_id})
WHERE chunk.position IS NOT NULL
RETURN chunk.bytes AS piece, chunk.encoding AS encoding
ORDER BY chunk.position
