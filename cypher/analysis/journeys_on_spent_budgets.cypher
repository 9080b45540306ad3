// Which journeys pass services that are short of error budget? Named services only: entry points and those on routes.
// journey; service; remaining: what is left of its error budget, 1 all of it, below 0 overspent; team: who runs it
MATCH (journey:Journey)
CALL (journey) {
  MATCH (journey)-[:STARTS_AT]->(service:Service) RETURN service
  UNION
  MATCH (journey)-[:HAS_ROUTE]->(:JourneyRoute)-[:PASSES]->(service:Service) RETURN service
}
WITH journey, service
WHERE service.budget_remaining_ratio < 0.25
RETURN journey.name AS journey, service.service_id AS service, service.budget_remaining_ratio AS remaining,
       service.team AS team
ORDER BY remaining, journey, service
LIMIT 20
