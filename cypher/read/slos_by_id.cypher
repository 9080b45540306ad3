// SLOs by id, active or not, as documents.
// $slo_ids: list[str]   -> slo_id: str, document: str
MATCH (slo:Slo)
WHERE slo.slo_id IN $slo_ids
RETURN slo.slo_id AS slo_id, slo.document AS document
ORDER BY slo_id
