// On which calls does far less of a dependency's failure reach the caller than is declared? Declared: HARD 1, DEGRADED 0.5,
// SOFT 0.1, async calls 0. Far below: all of the measured 95 % interval lies under half of it. What is measured is what
// recommendations use; whoever declared it may want to say so.
// caller, dependency; declared; measured, low, high: share of the failures that reaches the caller; assumed: attributes that
// no source stated
MATCH (caller:Service)-[edge:DEPENDS_ON {mode: 'SYNC'}]->(dependency:Service)
WHERE NOT edge.is_stale AND edge.pass_through_high IS NOT NULL
WITH caller, edge, dependency,
     CASE edge.criticality WHEN 'HARD' THEN 1.0 WHEN 'DEGRADED' THEN 0.5 ELSE 0.1 END AS declared
WHERE edge.pass_through_high < declared / 2
RETURN caller.service_id AS caller, dependency.service_id AS dependency, declared, edge.pass_through AS measured,
       edge.pass_through_low AS low, edge.pass_through_high AS high, edge.assumed AS assumed
ORDER BY declared - measured DESC, caller, dependency
