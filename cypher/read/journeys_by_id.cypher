// Journeys of some ids.
// $journey_ids: list[str]   -> journey_id: str, name: str, entry_points: list[str], routes: list of [name: str, weight: float, services: list[str]],
// created_by: str, created_at_us: int, updated_by: str, updated_at_us: int
MATCH (journey:Journey) WHERE journey.journey_id IN $journey_ids
CALL (journey) {
  OPTIONAL MATCH (journey)-[:HAS_ROUTE]->(route:JourneyRoute)
  WITH route ORDER BY route.position
  RETURN collect([route.name, route.weight, route.services]) AS listed
}
RETURN journey.journey_id AS journey_id, journey.name AS name, journey.entry_points AS entry_points,
       [route IN listed WHERE route[0] IS NOT NULL] AS routes,
       journey.created_by AS created_by,
       journey.created_at.epochSeconds * 1000000 + journey.created_at.microsecond AS created_at_us,
       journey.updated_by AS updated_by,
       journey.updated_at.epochSeconds * 1000000 + journey.updated_at.microsecond AS updated_at_us
ORDER BY name
