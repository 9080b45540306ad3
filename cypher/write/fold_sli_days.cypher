// Folds the detail of old days into one sum a day, some thousand to a transaction (run outside of one). Where not all of the
// day was seen, coverage says which share of it.
// $before_day: int (days since 1970)   -> folded: int
MATCH (day:SliDay)
WHERE day.sli = 'AVAILABILITY' AND day.day < date('1970-01-01') + duration({days: $before_day}) AND day.step_seconds < 86400
CALL (day) {
  WITH day, reduce(sum = 0.0, i IN range(0, size(day.total) - 1) |
                   sum + CASE WHEN isNaN(day.total[i]) THEN 0.0 ELSE coalesce(day.coverage[i], 1.0) END) / size(day.total) AS seen
  SET day.coverage = CASE WHEN seen < 1.0 THEN [seen] END,
      day.good = [reduce(sum = 0.0, x IN day.good | sum + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)],
      day.total = [reduce(sum = 0.0, x IN day.total | sum + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)],
      day.step_seconds = 86400
} IN TRANSACTIONS OF 5000 ROWS
RETURN count(*) AS folded
