// Divergences, youngest first; the id breaks ties.
// $before_us: int | null and $after_id: str | null (the last row's), $limit: int   -> one row a divergence
MATCH (divergence:Divergence)
WITH divergence, divergence.since.epochSeconds * 1000000 + divergence.since.microsecond AS us
WHERE $before_us IS NULL OR us < $before_us OR (us = $before_us AND divergence.divergence_id > $after_id)
WITH divergence ORDER BY us DESC, divergence.divergence_id LIMIT $limit
RETURN divergence.divergence_id AS divergence_id, divergence.kind AS kind, divergence.caller AS caller,
       divergence.dependency AS dependency, divergence.declared_by AS declared_by, divergence.observed_by AS observed_by,
       divergence.since.epochSeconds * 1000000 + divergence.since.microsecond AS since_us, divergence.message AS message
ORDER BY since_us DESC, divergence_id
