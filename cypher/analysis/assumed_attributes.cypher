// Where does the graph rest on defaults because no source said? These edges are the first to state by hand.
//   -> caller, dependency, assumed, caller_criticality
MATCH (caller:Service)-[edge:DEPENDS_ON {is_stale: false}]->(dependency:Service)
WHERE size(edge.assumed) > 0
RETURN caller.service_id AS caller, dependency.service_id AS dependency, edge.assumed AS assumed,
       caller.criticality AS caller_criticality
ORDER BY CASE caller.criticality WHEN 'CRITICAL' THEN 0 WHEN 'HIGH' THEN 1 WHEN 'MEDIUM' THEN 2 WHEN 'LOW' THEN 3 ELSE 4 END,
         caller, dependency
