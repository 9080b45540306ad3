// Who claims which dependencies of these callers, and when they were first and last seen; one row a caller.
// $callers: list[str]   -> caller: str, sightings: list of [dependency, source, first_seen_us, last_seen_us]
MATCH (caller:Service)
WHERE caller.service_id IN $callers
MATCH (caller)-[claim:CLAIMS_DEPENDENCY]->(dependency:Service)
RETURN caller.service_id AS caller, collect([dependency.service_id, claim.source,
        claim.first_seen_at.epochSeconds * 1000000 + claim.first_seen_at.microsecond,
        claim.last_seen_at.epochSeconds * 1000000 + claim.last_seen_at.microsecond]) AS sightings
ORDER BY caller
