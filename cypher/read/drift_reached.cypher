// Up to which hour the watched series of some services have been judged.
// $service_ids: list[str], $format: int   -> service_id: str, kind: str, reached: int (hours since 1970)
UNWIND $service_ids AS service_id
MATCH (watch:DriftWatch {service_id: service_id})
WHERE watch.kind IS NOT NULL AND watch.format = $format AND watch.state IS NOT NULL
RETURN watch.service_id AS service_id, watch.kind AS kind, watch.reached AS reached
ORDER BY service_id, kind
