// Stored calls of all edges on some days, one row an edge and step.
// $from_day, $to_day: int (days since 1970, both included)
//   -> caller: str, dependency: str, step_seconds: int, days: list[int], failed, calls: list[list[float]] (one list a day)
MATCH (day:EdgeDay)
WHERE day.day >= date('1970-01-01') + duration({days: $from_day}) AND day.day <= date('1970-01-01') + duration({days: $to_day})
WITH day.caller AS caller, day.dependency AS dependency, day.step_seconds AS step_seconds, collect(day) AS days
RETURN caller, dependency, step_seconds, [day IN days | duration.inDays(date('1970-01-01'), day.day).days] AS days,
       [day IN days | day.failed] AS failed, [day IN days | day.calls] AS calls
