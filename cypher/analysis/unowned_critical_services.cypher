// Which important services belong to no team?
// service; criticality; callers: how many services call it directly
MATCH (service:Service)
WHERE service.team IS NULL AND service.criticality IN ['CRITICAL', 'HIGH'] AND NOT service.external
RETURN service.service_id AS service, service.criticality AS criticality,
       COUNT { (service)<-[:DEPENDS_ON]-() } AS callers
ORDER BY criticality, callers DESC, service
