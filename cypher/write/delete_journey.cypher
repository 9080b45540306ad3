// Takes a journey and its routes away.
// $journey_id: str
MATCH (journey:Journey {journey_id: $journey_id})
OPTIONAL MATCH (journey)-[:HAS_ROUTE]->(route:JourneyRoute)
DETACH DELETE route, journey
