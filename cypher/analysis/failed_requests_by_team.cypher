// Where did the requests fail over the last 28 days, team by team?
// team; services: those with requests; failed_requests; requests; availability: good over valid requests
MATCH (service:Service)-[:HAS_SLI]->(day:SliDay {sli: 'AVAILABILITY'})
WHERE day.day >= date({timezone: 'UTC'}) - duration({days: 28})
WITH service,
     sum(reduce(sum = 0.0, x IN day.good | sum + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS good,
     sum(reduce(sum = 0.0, x IN day.total | sum + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS total
WITH coalesce(service.team, '(no team)') AS team, count(service) AS services, sum(total - good) AS failed_requests,
     sum(total) AS requests
WHERE requests > 0
RETURN team, services, failed_requests, requests, 1 - failed_requests / requests AS availability
ORDER BY failed_requests DESC, team
