// Stored latency histograms of some services and days, one row a service and bucket layout.
// $service_ids: list[str], $from_day, $to_day: int (days since 1970, both included)
//   -> service_id: str, bounds_seconds: list[float], percentiles_only: bool, days: list[int], counts: list[list[float]]
UNWIND $service_ids AS wanted
MATCH (day:SliDay {service_id: wanted, sli: 'LATENCY'})
WHERE day.day >= date('1970-01-01') + duration({days: $from_day}) AND day.day <= date('1970-01-01') + duration({days: $to_day})
WITH day.service_id AS service_id, day.bounds_seconds AS bounds_seconds, day.percentiles_only AS percentiles_only,
     collect(day) AS days
RETURN service_id, bounds_seconds, percentiles_only,
       [day IN days | duration.inDays(date('1970-01-01'), day.day).days] AS days, [day IN days | day.counts] AS counts
