// How much of the dependency's failure was measured to reach the caller, of these edges; those without evidence are absent.
// $pairs: list of {caller: str, dependencies: list[str]}   -> caller: str, dependency: str, value: float, low: float, high: float
UNWIND $pairs AS pair
MATCH (caller:Service {service_id: pair.caller})-[edge:DEPENDS_ON]->(dependency:Service)
WHERE dependency.service_id IN pair.dependencies AND edge.pass_through IS NOT NULL
RETURN caller.service_id AS caller, dependency.service_id AS dependency, edge.pass_through AS value,
       edge.pass_through_low AS low, edge.pass_through_high AS high
ORDER BY caller, dependency
