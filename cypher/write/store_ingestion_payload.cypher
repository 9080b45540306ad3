// Stores the payload of an ingestion in pieces.
// $ingestion_id: str, $pieces: list[bytes], $encoding: str, of all pieces put together
MATCH (ingestion:Ingestion {ingestion_id: $ingestion_id})
UNWIND range(0, size($pieces) - 1) AS position
MERGE (chunk:IngestionPayload {ingestion_id: $ingestion_id, position: position})
SET chunk.bytes = $pieces[position], chunk.encoding = $encoding
MERGE (ingestion)-[:HAS_PAYLOAD]->(chunk)
