// Makes an SLO the active one of its service and SLI type; the one before stays as history.
// $service_id, $sli_type: str, $slo: map, $recommendation_id: str | null, $now: datetime
OPTIONAL MATCH (old:ActiveSlo {service_id: $service_id, sli_type: $sli_type})
REMOVE old:ActiveSlo
SET old.replaced_at = $now
WITH old
CREATE (slo:Slo)
SET slo = $slo
SET slo:ActiveSlo
FOREACH (_ IN CASE WHEN old IS NOT NULL THEN [1] ELSE [] END | CREATE (slo)-[:REPLACES]->(old))
WITH slo
OPTIONAL MATCH (service:Service {service_id: $service_id})
FOREACH (_ IN CASE WHEN service IS NOT NULL THEN [1] ELSE [] END | CREATE (service)-[:HAS_SLO]->(slo))
WITH slo
OPTIONAL MATCH (recommendation:Recommendation {recommendation_id: $recommendation_id})
FOREACH (_ IN CASE WHEN recommendation IS NOT NULL THEN [1] ELSE [] END | CREATE (slo)-[:RESTS_ON]->(recommendation))
