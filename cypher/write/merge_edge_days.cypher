// Calls and failed calls of whole days, one node an edge and day; else as merge_sli_days. Not linked to the services: an
// organisation has ten times as many edges as services, and the links would outweigh what they lead to.
// $rows: list of {caller, dependency, day: int (days since 1970), failed: list[float], calls: list[float], is_whole: bool},
// $step_seconds: int   -> position: int (of a row that was not written), step_seconds: int, failed, calls: list[float]
UNWIND range(0, size($rows) - 1) AS position
WITH position, $rows[position] AS row
MERGE (day:EdgeDay {caller: row.caller, dependency: row.dependency, day: date('1970-01-01') + duration({days: row.day})})
WITH position, row, day, day.step_seconds AS step_seconds, day.failed AS failed, day.calls AS calls
FOREACH (_ IN CASE WHEN step_seconds IS NULL OR (step_seconds = $step_seconds AND row.is_whole) THEN [1] ELSE [] END |
  SET day.step_seconds = $step_seconds, day.failed = row.failed, day.calls = row.calls)
FOREACH (_ IN CASE WHEN step_seconds = $step_seconds AND NOT row.is_whole THEN [1] ELSE [] END |
  SET day.failed = [i IN range(0, size(row.calls) - 1) | CASE WHEN isNaN(row.calls[i]) THEN failed[i] ELSE row.failed[i] END],
      day.calls = [i IN range(0, size(row.calls) - 1) | CASE WHEN isNaN(row.calls[i]) THEN calls[i] ELSE row.calls[i] END])
WITH position, step_seconds, failed, calls
WHERE step_seconds <> $step_seconds
RETURN position, step_seconds, failed, calls
ORDER BY position
