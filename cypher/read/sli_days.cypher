// Stored availability of some services and days.
// $service_ids: list[str], $from_day, $to_day: int (days since 1970, both included)
//   -> service_id: str, day: int, step_seconds: int, good: list[float], total: list[float]
MATCH (day:SliDay)
WHERE day.service_id IN $service_ids AND day.sli = 'AVAILABILITY'
  AND day.day >= date('1970-01-01') + duration({days: $from_day}) AND day.day <= date('1970-01-01') + duration({days: $to_day})
RETURN day.service_id AS service_id, duration.inDays(date('1970-01-01'), day.day).days AS day,
       day.step_seconds AS step_seconds, day.good AS good, day.total AS total
