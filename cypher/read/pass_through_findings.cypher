// What was found of the pass-through of these callers' edges, one row a caller, each value in a list of its own, which cross
// Bolt several times faster than one row an edge.
// $callers: list[str]   -> caller: str, then lists: dependency: str, verdict: str, in_use, failed_calls: float,
//   value, low, high: float (NaN: not enough evidence), seen: bool, basis: str, at: int (microseconds since 1970)
UNWIND $callers AS service_id
MATCH (caller:Service {service_id: service_id})-[edge:DEPENDS_ON]->(dependency:Service)
WHERE edge.pass_through_basis IS NOT NULL
RETURN caller.service_id AS caller, collect(dependency.service_id) AS dependency, collect(edge.pass_through_verdict) AS verdict,
       collect(edge.pass_through_in_use) AS in_use, collect(edge.pass_through_failed_calls) AS failed_calls,
       collect(coalesce(edge.pass_through, 0.0 / 0.0)) AS value, collect(coalesce(edge.pass_through_low, 0.0 / 0.0)) AS low,
       collect(coalesce(edge.pass_through_high, 0.0 / 0.0)) AS high, collect(edge.pass_through_seen) AS seen,
       collect(edge.pass_through_basis) AS basis,
       collect(edge.pass_through_at.epochSeconds * 1000000 + edge.pass_through_at.microsecond) AS at
ORDER BY caller
