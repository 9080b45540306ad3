// Days of edges that are stored at another step than before.
// $rows: list of {caller, dependency, day: int (days since 1970), step_seconds: int, failed: list[float], calls: list[float]}
UNWIND $rows AS row
MATCH (day:EdgeDay {caller: row.caller, dependency: row.dependency, day: date('1970-01-01') + duration({days: row.day})})
SET day.step_seconds = row.step_seconds, day.failed = row.failed, day.calls = row.calls
