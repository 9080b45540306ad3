// Stores a journey in the place of the one of the same name, which keeps its id and its beginnings. No row, and the
// transaction must be rolled back, when the one that is stored is not the one that is to be replaced (null: there is none).
// What was stored under the same $write_id is this write, done before: it is written once more.
// $journey_id, $name, $actor, $write_id: str, $entry_points: list[str], $routes: list of {name: str, weight: float, services: list[str]},
// $now: datetime, $replaced: {journey_id: str, entry_points: list[str], updated_at_us: int} | null   -> journey_id: str, name: str, entry_points: list[str], routes: list of [name: str, weight: float, services: list[str]],
// created_by: str, created_at_us: int, updated_by: str, updated_at_us: int
MERGE (journey:Journey {name: $name})
ON CREATE SET journey.journey_id = $journey_id, journey.created_by = $actor, journey.created_at = $now
SET journey.locked_at = $now
WITH journey
WHERE CASE
  WHEN journey.write_id = $write_id THEN true
  WHEN $replaced IS NULL THEN journey.journey_id = $journey_id AND journey.updated_at IS NULL
  ELSE journey.journey_id = $replaced.journey_id AND journey.entry_points = $replaced.entry_points
    AND journey.updated_at.epochSeconds * 1000000 + journey.updated_at.microsecond = $replaced.updated_at_us
END
SET journey.write_id = $write_id, journey.entry_points = $entry_points, journey.updated_by = $actor, journey.updated_at = $now
WITH journey
CALL (journey) {
  MATCH (journey)-[:HAS_ROUTE]->(old:JourneyRoute) DETACH DELETE old
}
CALL (journey) {
  MATCH (journey)-[start:STARTS_AT]->() DELETE start
}
CALL (journey) {
  UNWIND $entry_points AS service_id
  MATCH (service:Service {service_id: service_id})
  MERGE (journey)-[:STARTS_AT]->(service)
}
CALL (journey) {
  UNWIND range(0, size($routes) - 1) AS position
  WITH journey, position, $routes[position] AS given
  CREATE (journey)-[:HAS_ROUTE]->
         (route:JourneyRoute {position: position, name: given.name, weight: given.weight, services: given.services})
  WITH route, given
  UNWIND range(0, size(given.services) - 1) AS place
  MATCH (service:Service {service_id: given.services[place]})
  CREATE (route)-[:PASSES {position: place}]->(service)
}
WITH journey
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
