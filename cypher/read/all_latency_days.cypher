// Stored latency histograms of all services on some days.
// $from_day, $to_day: int (days since 1970, both included)
//   -> service_id: str, day: int, bounds_seconds: list[float], counts: list[float], percentiles_only: bool
MATCH (day:SliDay)
WHERE day.sli = 'LATENCY'
  AND day.day >= date('1970-01-01') + duration({days: $from_day}) AND day.day <= date('1970-01-01') + duration({days: $to_day})
RETURN day.service_id AS service_id, duration.inDays(date('1970-01-01'), day.day).days AS day,
       day.bounds_seconds AS bounds_seconds, day.counts AS counts, day.percentiles_only AS percentiles_only
