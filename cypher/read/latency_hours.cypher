// Hourly percentiles of some services and days, 24 values a day each.
// $service_ids: list[str], $from_day, $to_day: int (days since 1970, both included)
//   -> service_id: str, day: int, p50_ms, p95_ms, p99_ms, requests: list[float]
MATCH (day:SliDay)
WHERE day.service_id IN $service_ids AND day.sli = 'LATENCY'
  AND day.day >= date('1970-01-01') + duration({days: $from_day}) AND day.day <= date('1970-01-01') + duration({days: $to_day})
  AND day.hourly_requests IS NOT NULL
RETURN day.service_id AS service_id, duration.inDays(date('1970-01-01'), day.day).days AS day,
       day.hourly_p50_ms AS p50_ms, day.hourly_p95_ms AS p95_ms, day.hourly_p99_ms AS p99_ms,
       day.hourly_requests AS requests
