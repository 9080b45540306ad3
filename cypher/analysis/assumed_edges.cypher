// How much of the graph is assumed rather than stated? An attribute is assumed where no source says it.
// attribute; assumed: edges on which a default fills it; stated: edges on which a source says it; critical_callers: critical
// services among the callers of the assumed ones
UNWIND ['mode', 'criticality'] AS attribute
MATCH (caller:Service)-[edge:DEPENDS_ON]->(:Service)
WITH attribute, attribute IN edge.assumed AS is_assumed, caller
WITH attribute, count(CASE WHEN is_assumed THEN 1 END) AS assumed, count(CASE WHEN NOT is_assumed THEN 1 END) AS stated,
     count(DISTINCT CASE WHEN is_assumed AND caller.criticality = 'CRITICAL' THEN caller END) AS critical_callers
RETURN attribute, assumed, stated, critical_callers
ORDER BY attribute
