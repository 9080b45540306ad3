// Callers of which both an observing and a declaring source claim dependencies, and those with divergences on record.
// $observing: list[str], $declaring: list[str] (sources)   -> caller: str
MATCH (caller:Service)-[claim:CLAIMS_DEPENDENCY]->(:Service)
WITH caller, collect(DISTINCT claim.source) AS sources
WHERE any(source IN sources WHERE source IN $observing) AND any(source IN sources WHERE source IN $declaring)
RETURN caller.service_id AS caller
UNION
MATCH (divergence:Divergence)
RETURN divergence.caller AS caller
