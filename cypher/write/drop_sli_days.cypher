// Drops days older than the retention, some thousand to a transaction (run outside of one).
// $before_day: int (days since 1970)   -> dropped: int
MATCH (day:SliDay)
WHERE day.sli IN ['AVAILABILITY', 'LATENCY'] AND day.day < date('1970-01-01') + duration({days: $before_day})
CALL (day) { DETACH DELETE day } IN TRANSACTIONS OF 5000 ROWS
RETURN count(*) AS dropped
