// Ingestions that wait or run and have shown no progress for a while, oldest first.
// $older_than: datetime   -> ingestion_id: str
MATCH (ingestion:Ingestion)
WHERE ingestion.status IN ['QUEUED', 'RUNNING'] AND ingestion.progressed_at < $older_than
RETURN ingestion.ingestion_id AS ingestion_id
ORDER BY ingestion.submitted_at, ingestion_id
