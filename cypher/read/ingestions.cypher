// Ingestions by id, as documents.
// $ingestion_ids: list[str]   -> ingestion_id: str, document: str
MATCH (ingestion:Ingestion)
WHERE ingestion.ingestion_id IN $ingestion_ids
RETURN ingestion.ingestion_id AS ingestion_id, ingestion.document AS document
ORDER BY ingestion_id
