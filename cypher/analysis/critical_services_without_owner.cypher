// Which critical or high services belong to no team?
//   -> service, criticality, callers
MATCH (service:Service)
WHERE service.criticality IN ['CRITICAL', 'HIGH'] AND service.team IS NULL
RETURN service.service_id AS service, service.criticality AS criticality,
       count { (:Service)-[:DEPENDS_ON]->(service) } AS callers
ORDER BY callers DESC, service
