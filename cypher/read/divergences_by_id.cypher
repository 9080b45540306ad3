// Divergences by id.
// $divergence_ids: list[str]   -> one row a divergence
MATCH (divergence:Divergence)
WHERE divergence.divergence_id IN $divergence_ids
RETURN divergence.divergence_id AS divergence_id, divergence.kind AS kind, divergence.caller AS caller,
       divergence.dependency AS dependency, divergence.declared_by AS declared_by, divergence.observed_by AS observed_by,
       divergence.since.epochSeconds * 1000000 + divergence.since.microsecond AS since_us, divergence.message AS message
ORDER BY divergence_id
