// Days that are stored at another step than before.
// $rows: list of {service_id, day: int (days since 1970), step_seconds: int, good, total: list[float],
//   coverage: list[float] or null}
UNWIND $rows AS row
MATCH (day:SliDay {service_id: row.service_id, sli: 'AVAILABILITY', day: date('1970-01-01') + duration({days: row.day})})
SET day.step_seconds = row.step_seconds, day.good = row.good, day.total = row.total, day.coverage = row.coverage
