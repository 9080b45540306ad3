// Which of some active SLOs are at risk.
// $slo_ids: list[str]   -> slo_id: str, since_us: int
MATCH (slo:Slo)
WHERE slo.slo_id IN $slo_ids AND slo:ActiveSlo AND slo.at_risk_since IS NOT NULL
RETURN slo.slo_id AS slo_id, slo.at_risk_since.epochSeconds * 1000000 + slo.at_risk_since.microsecond AS since_us
ORDER BY slo_id
