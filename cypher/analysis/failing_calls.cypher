// Which calls failed most over the last 7 days, where calls are measured edge by edge?
// caller, dependency; calls; failed; failure_ratio
MATCH (day:EdgeDay)
WHERE day.day >= date({timezone: 'UTC'}) - duration({days: 7})
WITH day.caller AS caller, day.dependency AS dependency,
     sum(reduce(sum = 0.0, x IN day.calls | sum + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS calls,
     sum(reduce(sum = 0.0, x IN day.failed | sum + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS failed
WHERE failed > 0
RETURN caller, dependency, calls, failed, failed / calls AS failure_ratio
ORDER BY failed DESC, caller, dependency
LIMIT 20
