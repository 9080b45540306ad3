// Who is there and who calls whom, without what is stale and without anything said of it: what condensing needs. One row a
// service; few rows with lists cross Bolt faster than one row an edge.
//   -> service_id: str, dependencies: list[str]
MATCH (service:Service)
RETURN service.service_id AS service_id,
       [(service)-[edge:DEPENDS_ON WHERE NOT edge.is_stale]->(dependency:Service) | dependency.service_id] AS dependencies
ORDER BY service_id
