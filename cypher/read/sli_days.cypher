// Stored availability of some services, one row a service and step: a row a day would cost the driver seven times as much.
// $wanted: list of {service_id: str, from_day: int}, $to_day: int (days since 1970, both included)
//   -> service_id: str, step_seconds: int, days: list[int], good, total: list[list[float]] (one list a day),
//      coverage: list[list[float] or null] or null (share of each interval that was seen; null: of those with data all)
UNWIND $wanted AS one
MATCH (day:SliDay {service_id: one.service_id, sli: 'AVAILABILITY'})
WHERE day.day >= date('1970-01-01') + duration({days: one.from_day}) AND day.day <= date('1970-01-01') + duration({days: $to_day})
WITH day.service_id AS service_id, day.step_seconds AS step_seconds, collect(day) AS days
RETURN service_id, step_seconds, [day IN days | duration.inDays(date('1970-01-01'), day.day).days] AS days,
       [day IN days | day.good] AS good, [day IN days | day.total] AS total,
       CASE WHEN any(day IN days WHERE day.coverage IS NOT NULL) THEN [day IN days | day.coverage] END AS coverage
