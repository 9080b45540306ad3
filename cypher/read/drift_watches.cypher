// What is remembered of the watched series of some services.
// $service_ids: list[str], $format: int
//   -> service_id: str, kind: str, revision: int, state: str (JSON), scores: bytes, baseline: bytes | null
UNWIND $service_ids AS service_id
MATCH (watch:DriftWatch {service_id: service_id})
WHERE watch.kind IS NOT NULL AND watch.format = $format AND watch.state IS NOT NULL
RETURN watch.service_id AS service_id, watch.kind AS kind, watch.revision AS revision, watch.state AS state,
       watch.scores AS scores, watch.baseline AS baseline
ORDER BY service_id, kind
