// How many services a filter lets through; parameters as in page_of_services.
//   -> total: int
MATCH (service:Service)
WHERE ($search IS NULL OR toLower(service.service_id) CONTAINS $search OR toLower(service.name) CONTAINS $search)
  AND ($team IS NULL OR service.team = $team)
  AND ($criticality IS NULL OR service.criticality IN $criticality)
  AND ($external IS NULL OR service.external = $external)
  AND ($has_active_slo IS NULL OR EXISTS { (service)-[:HAS_SLO]->(:ActiveSlo) } = $has_active_slo)
  AND ($in_cycle IS NULL OR EXISTS { (service)-[:MEMBER_OF]->(:Supernode) } = $in_cycle)
RETURN count(*) AS total
