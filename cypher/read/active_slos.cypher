// Active SLOs of some services for one SLI type, as documents.
// $service_ids: list[str], $sli_type: str   -> service_id: str, document: str
MATCH (slo:ActiveSlo)
WHERE slo.service_id IN $service_ids AND slo.sli_type = $sli_type
RETURN slo.service_id AS service_id, slo.document AS document
ORDER BY service_id
