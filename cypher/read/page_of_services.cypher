// One page of the services that a filter lets through, in the order asked for; the id breaks ties.
// $search (lower-cased), $team, $criticality: list[str], $external, $has_active_slo, $in_cycle: null where not asked
// $order: SERVICE_ID | CRITICALITY | BLAST_RADIUS | BUDGET_REMAINING; $after_rank: float, $after_id: str, both null
// for the first page; $limit: int   -> rank: float, then columns as in service_rows.SERVICE_COLUMNS
// Services for which a number is not known come last.
MATCH (service:Service)
WHERE ($search IS NULL OR toLower(service.service_id) CONTAINS $search OR toLower(service.name) CONTAINS $search)
  AND ($team IS NULL OR service.team = $team)
  AND ($criticality IS NULL OR service.criticality IN $criticality)
  AND ($external IS NULL OR service.external = $external)
  AND ($has_active_slo IS NULL OR EXISTS { (service)-[:HAS_SLO]->(:ActiveSlo) } = $has_active_slo)
  AND ($in_cycle IS NULL OR EXISTS { (service)-[:MEMBER_OF]->(:Supernode) } = $in_cycle)
WITH service, CASE $order
    WHEN 'CRITICALITY' THEN CASE service.criticality
        WHEN 'CRITICAL' THEN 0.0 WHEN 'HIGH' THEN 1.0 WHEN 'MEDIUM' THEN 2.0 WHEN 'LOW' THEN 3.0 ELSE 4.0 END
    WHEN 'BLAST_RADIUS' THEN coalesce(-toFloat(service.blast_radius), 1.0)
    WHEN 'BUDGET_REMAINING' THEN coalesce(service.budget_remaining_ratio, 1e9)
    ELSE 0.0 END AS rank
WHERE $after_id IS NULL OR rank > $after_rank OR (rank = $after_rank AND service.service_id > $after_id)
RETURN rank,
       service.service_id AS service_id, service.name AS name, service.team AS team,
       service.criticality AS criticality, service.entity_ref AS entity_ref, service.external AS external,
       service.discovered AS discovered, service.published_availability_ratio AS published_availability_ratio,
       service.metadata AS metadata,
       service.created_at.epochSeconds * 1000000 + service.created_at.microsecond AS created_us,
       service.updated_at.epochSeconds * 1000000 + service.updated_at.microsecond AS updated_us
ORDER BY rank, service_id
LIMIT $limit
