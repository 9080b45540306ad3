// Which services have we not heard of for a week?
// service; team; criticality; last_day: newest day with requests, null when there is none
MATCH (service:Service)
OPTIONAL MATCH (service)-[:HAS_SLI]->(day:SliDay {sli: 'AVAILABILITY'})
WITH service, max(day.day) AS last_day
WHERE last_day IS NULL OR last_day < date({timezone: 'UTC'}) - duration({days: 7})
RETURN service.service_id AS service, service.team AS team, service.criticality AS criticality, last_day
ORDER BY last_day, service
