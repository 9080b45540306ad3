// Stored calls of some edges and days.
// $pairs: list of {caller: str, dependencies: list[str]}, $from_day, $to_day: int (days since 1970, both included)
//   -> caller: str, dependency: str, day: int, step_seconds: int, failed: list[float], calls: list[float]
UNWIND $pairs AS pair
UNWIND pair.dependencies AS dependency
MATCH (day:EdgeDay)
WHERE day.caller = pair.caller AND day.dependency = dependency
  AND day.day >= date('1970-01-01') + duration({days: $from_day}) AND day.day <= date('1970-01-01') + duration({days: $to_day})
RETURN day.caller AS caller, day.dependency AS dependency,
       duration.inDays(date('1970-01-01'), day.day).days AS day, day.step_seconds AS step_seconds,
       day.failed AS failed, day.calls AS calls
