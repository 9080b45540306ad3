// Stored latency histograms of all services on some days, one row a service and bucket layout.
// $from_day, $to_day: int (days since 1970, both included)
//   -> service_id: str, bounds_seconds: list[float], percentiles_only: bool, days: list[int], counts: list[list[float]]
MATCH (day:SliDay)
WHERE day.sli = 'LATENCY'
  AND day.day >= date('1970-01-01') + duration({days: $from_day}) AND day.day <= date('1970-01-01') + duration({days: $to_day})
WITH day.service_id AS service_id, day.bounds_seconds AS bounds_seconds, day.percentiles_only AS percentiles_only,
     collect(day) AS days
RETURN service_id, bounds_seconds, percentiles_only,
       [day IN days | duration.inDays(date('1970-01-01'), day.day).days] AS days, [day IN days | day.counts] AS counts
