// Daily latency histograms, one node a service and day; a day that is there is replaced.
// $rows: list of {service_id, day: int (days since 1970), bounds_seconds: list[float], counts: list[float] (not cumulative),
// percentiles_only: bool}
UNWIND $rows AS row
MERGE (day:SliDay {service_id: row.service_id, sli: 'LATENCY', day: date('1970-01-01') + duration({days: row.day})})
WITH row, day, day.counts IS NULL AS is_new
SET day.bounds_seconds = row.bounds_seconds, day.counts = row.counts, day.percentiles_only = row.percentiles_only
WITH row, day
WHERE is_new
MATCH (service:Service {service_id: row.service_id})
CREATE (service)-[:HAS_SLI]->(day)
