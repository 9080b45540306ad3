// Adds to what an ingestion has written so far, in the transaction that wrote it: a batch that is run again after a
// crash finds its work done and adds nothing.
// $ingestion_id: str, $services_created, $edges_created, $edges_updated, $edges_removed: int
//   -> services_created: int, edges_created: int, edges_updated: int, edges_removed: int
MERGE (tally:IngestionTally {ingestion_id: $ingestion_id})
SET tally.services_created = coalesce(tally.services_created, 0) + $services_created,
    tally.edges_created = coalesce(tally.edges_created, 0) + $edges_created,
    tally.edges_updated = coalesce(tally.edges_updated, 0) + $edges_updated,
    tally.edges_removed = coalesce(tally.edges_removed, 0) + $edges_removed
RETURN tally.services_created AS services_created, tally.edges_created AS edges_created,
       tally.edges_updated AS edges_updated, tally.edges_removed AS edges_removed
