// Divergences of these callers that are no more.
// $callers: list[str], $kept: list[str] (ids)
MATCH (divergence:Divergence)
WHERE divergence.caller IN $callers AND NOT divergence.divergence_id IN $kept
DETACH DELETE divergence
