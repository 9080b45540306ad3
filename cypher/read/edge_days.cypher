// Stored calls of some edges, one row an edge and step.
// $wanted: list of {caller: str, dependency: str, from_day: int}, $to_day: int (days since 1970, both included)
//   -> caller: str, dependency: str, step_seconds: int, days: list[int], failed, calls: list[list[float]] (one list a day)
UNWIND $wanted AS one
MATCH (day:EdgeDay {caller: one.caller, dependency: one.dependency})
WHERE day.day >= date('1970-01-01') + duration({days: one.from_day}) AND day.day <= date('1970-01-01') + duration({days: $to_day})
WITH day.caller AS caller, day.dependency AS dependency, day.step_seconds AS step_seconds, collect(day) AS days
RETURN caller, dependency, step_seconds, [day IN days | duration.inDays(date('1970-01-01'), day.day).days] AS days,
       [day IN days | day.failed] AS failed, [day IN days | day.calls] AS calls
