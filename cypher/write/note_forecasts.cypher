// Keeps beside each active SLO how probably its budget runs out, and whether it is at risk; an SLO that has become at risk
// gets its event. The first SET locks the SLO before it is looked at whether it was at risk: two at once tell once.
// $rows: list[{slo_id: str, probability: float, risk: bool | null, event: map}], $now: datetime   -> slo_id: str (newly at risk)
UNWIND $rows AS row
MATCH (slo:Slo {slo_id: row.slo_id})
SET slo.forecast_at = $now
WITH slo, row
WHERE slo:ActiveSlo
SET slo.probability_budget_exhausted = row.probability
FOREACH (_ IN CASE WHEN row.risk = false THEN [1] ELSE [] END | REMOVE slo.at_risk_since)
WITH slo, row
WHERE row.risk = true AND slo.at_risk_since IS NULL
SET slo.at_risk_since = $now
CREATE (event:OutboxEvent:PendingEvent)
SET event = row.event
RETURN slo.slo_id AS slo_id
ORDER BY slo_id
