// One SLI's good and valid events of whole days, one node a service and day. Where a day is stored at the same step, NaN
// leaves what is there; where it is stored at another step nothing is written and the row is answered.
// $rows: list of {service_id, day: int (days since 1970), good, total: list[float], is_whole: bool,
//   coverage: list[float] or null (share of each interval that was seen; null: of those with data all)},
// $step_seconds: int   -> position: int (of a row that was not written), step_seconds: int, good, total: list[float],
//   coverage: list[float] or null
UNWIND range(0, size($rows) - 1) AS position
WITH position, $rows[position] AS row
MERGE (day:SliDay {service_id: row.service_id, sli: 'AVAILABILITY', day: date('1970-01-01') + duration({days: row.day})})
WITH position, row, day, day.step_seconds AS step_seconds, day.good AS good, day.total AS total,
     day.coverage AS coverage
FOREACH (_ IN CASE WHEN step_seconds IS NULL OR (step_seconds = $step_seconds AND row.is_whole) THEN [1] ELSE [] END |
  SET day.step_seconds = $step_seconds, day.good = row.good, day.total = row.total, day.coverage = row.coverage)
FOREACH (_ IN CASE WHEN step_seconds = $step_seconds AND NOT row.is_whole THEN [1] ELSE [] END |
  SET day.good = [i IN range(0, size(row.total) - 1) | CASE WHEN isNaN(row.total[i]) THEN good[i] ELSE row.good[i] END],
      day.total = [i IN range(0, size(row.total) - 1) | CASE WHEN isNaN(row.total[i]) THEN total[i] ELSE row.total[i] END],
      day.coverage = CASE WHEN coverage IS NULL AND row.coverage IS NULL THEN NULL ELSE
        [i IN range(0, size(row.total) - 1) | coalesce(CASE WHEN isNaN(row.total[i]) THEN coverage[i] ELSE row.coverage[i] END, 1.0)] END)
WITH position, row, day, step_seconds, good, total, coverage
OPTIONAL MATCH (service:Service {service_id: row.service_id}) WHERE step_seconds IS NULL
FOREACH (_ IN CASE WHEN service IS NOT NULL THEN [1] ELSE [] END | CREATE (service)-[:HAS_SLI]->(day))
WITH position, step_seconds, good, total, coverage
WHERE step_seconds <> $step_seconds
RETURN position, step_seconds, good, total, coverage
ORDER BY position
