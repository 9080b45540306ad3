// Stores watches, each with the event it found, if it is still at the revision it was read at: another pass may have been
// faster, and then nothing of the row is written. A known event keeps what its re-evaluation gave.
// $rows: list of {service_id, kind, revision: int, reached: int, state: str, scores: bytes, relearnt: bool,
// baseline: bytes | null, events: list[map]}, $format: int   -> service_id: str, kind: str (of what was stored)
UNWIND $rows AS row
MERGE (watch:DriftWatch {service_id: row.service_id, kind: row.kind, format: $format})
ON CREATE SET watch.revision = 0
SET watch.reached = coalesce(watch.reached, 0) // takes the lock before the revision is looked at
WITH row, watch
WHERE watch.revision = row.revision
SET watch.revision = row.revision + 1, watch.reached = row.reached, watch.state = row.state, watch.scores = row.scores,
    watch.baseline = CASE WHEN row.relearnt THEN row.baseline ELSE watch.baseline END
WITH row
CALL (row) {
  UNWIND row.events AS found
  MERGE (event:DriftEvent {event_id: found.event_id})
  ON CREATE SET event:UnfinishedDrift
  SET event += found
  WITH row, event
  MATCH (service:Service {service_id: row.service_id})
  MERGE (service)-[:DRIFTED]->(event)
}
RETURN row.service_id AS service_id, row.kind AS kind
