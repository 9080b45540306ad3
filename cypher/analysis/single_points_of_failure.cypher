// Which services take several critical services down with them? Through hard, synchronous calls that no redundancy
// group covers, up to three calls long.
// dependency; critical_services: how many it takes down; examples: up to five of them; team: who runs it
MATCH (critical:Service {criticality: 'CRITICAL'})-[edge:DEPENDS_ON
  WHERE edge.mode = 'SYNC' AND edge.criticality = 'HARD' AND NOT edge.is_stale AND edge.redundancy_group IS NULL
]->{1,3}(dependency:Service)
WHERE critical <> dependency
WITH DISTINCT critical.service_id AS critical, dependency ORDER BY critical
WITH dependency, collect(critical) AS critical
WHERE size(critical) > 1
RETURN dependency.service_id AS dependency, size(critical) AS critical_services, critical[..5] AS examples,
       dependency.team AS team
ORDER BY critical_services DESC, dependency
LIMIT 20
