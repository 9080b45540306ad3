// Where did the requests fail over the stored days, team by team?
//   -> team, services, failed_requests, requests, availability
MATCH (service:Service)-[:HAS_SLI]->(day:SliDay {sli: 'AVAILABILITY'})
WITH service,
     sum(reduce(events = 0.0, x IN day.good | events + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS good,
     sum(reduce(events = 0.0, x IN day.total | events + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS total
WITH coalesce(service.team, '(no team)') AS team, count(service) AS services, sum(total - good) AS failed_requests,
     sum(total) AS requests
WHERE requests > 0
RETURN team, services, failed_requests, requests, 1 - failed_requests / requests AS availability
ORDER BY failed_requests DESC, team
