// Which services cost each journey the most failed requests? By the share of the journey's requests that pass a service,
// times what it failed in the last 28 days, its dependencies' failures included; `sloengine journeys show` tells them apart.
// journey; service; passing: share of the requests that pass it, by the routes' weights; failed: share of them that it fails
MATCH (journey:Journey)-[:HAS_ROUTE]->(route:JourneyRoute)
WITH journey, sum(route.weight) AS whole
MATCH (journey)-[:HAS_ROUTE]->(route:JourneyRoute)-[:PASSES]->(service:Service)
WITH journey, service, whole, sum(route.weight) AS weight
WITH journey, service, weight / whole AS passing
MATCH (service)-[:HAS_SLI]->(day:SliDay {sli: 'AVAILABILITY'})
WHERE day.day >= date({timezone: 'UTC'}) - duration({days: 28})
WITH journey, service, passing,
     sum(reduce(sum = 0.0, x IN day.good | sum + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS good,
     sum(reduce(sum = 0.0, x IN day.total | sum + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS total
WHERE total > 0
RETURN journey.name AS journey, service.service_id AS service, passing, passing * (1 - good / total) AS failed
ORDER BY failed DESC, journey, service
LIMIT 20
