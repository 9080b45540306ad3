// Which single points of failure promise less than services that hang on them? Along hard, synchronous calls that no
// redundancy group covers, up to three calls long.
// dependency; promised: its active availability SLO, null if it has none; tighter: services behind it with a tighter one;
// blast_radius: services that its failure alone can hurt
MATCH (dependency:Service {single_point_of_failure: true})
OPTIONAL MATCH (dependency)-[:HAS_SLO]->(own:ActiveSlo {sli_type: 'AVAILABILITY'})
MATCH (caller:Service)-[edge:DEPENDS_ON
  WHERE edge.mode = 'SYNC' AND edge.criticality = 'HARD' AND NOT edge.is_stale AND edge.redundancy_group IS NULL
]->{1,3}(dependency)
WHERE caller <> dependency
WITH DISTINCT dependency, own, caller
MATCH (caller)-[:HAS_SLO]->(slo:ActiveSlo {sli_type: 'AVAILABILITY'})
WHERE own IS NULL OR slo.availability_target > own.availability_target
WITH dependency, own, caller ORDER BY caller.service_id
RETURN dependency.service_id AS dependency, own.availability_target AS promised,
       collect(caller.service_id) AS tighter, dependency.blast_radius AS blast_radius
ORDER BY blast_radius DESC, dependency
LIMIT 20
