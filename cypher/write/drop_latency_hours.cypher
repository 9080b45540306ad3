// Takes the hourly percentiles of old days away, some thousand to a transaction (run outside of one).
// $before_day: int (days since 1970)   -> dropped: int
MATCH (day:SliDay)
WHERE day.sli = 'LATENCY' AND day.day < date('1970-01-01') + duration({days: $before_day}) AND day.hourly_requests IS NOT NULL
CALL (day) {
  REMOVE day.hourly_p50_ms, day.hourly_p95_ms, day.hourly_p99_ms, day.hourly_requests
} IN TRANSACTIONS OF 5000 ROWS
RETURN count(*) AS dropped
