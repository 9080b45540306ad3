// Which services are a hard dependency of two or more critical services, with no alternative beside them?
//   -> service, team, critical_callers
MATCH (caller:Service {criticality: 'CRITICAL'})-[edge:DEPENDS_ON {mode: 'SYNC', criticality: 'HARD', is_stale: false}]->(service:Service)
WHERE edge.redundancy_group IS NULL
WITH service, collect(DISTINCT caller.service_id) AS critical_callers
WHERE size(critical_callers) > 1
RETURN service.service_id AS service, service.team AS team, critical_callers
ORDER BY size(critical_callers) DESC, service
