// All claims on these pairs.
// $pairs: list of {caller: str, dependencies: list[str]}   -> caller: str, claims: list of [dependency, then as in CLAIM_COLUMNS]
UNWIND $pairs AS pair
MATCH (caller:Service {service_id: pair.caller})-[claim:CLAIMS_DEPENDENCY]->(dependency:Service)
WHERE dependency.service_id IN pair.dependencies
WITH caller, claim, dependency ORDER BY caller.service_id, dependency.service_id, claim.source
RETURN caller.service_id AS caller, collect([dependency.service_id, claim.source, claim.confidence,
        claim.first_seen_at.epochSeconds * 1000000 + claim.first_seen_at.microsecond,
        claim.last_seen_at.epochSeconds * 1000000 + claim.last_seen_at.microsecond,
        claim.mode, claim.criticality, claim.protocol, claim.timeout_ms, claim.retry_config,
        claim.call_weight, claim.redundancy_group, claim.required]) AS claims
