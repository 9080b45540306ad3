// How much of its error budgets has each team spent over the last 28 days? Above 1 a budget is overspent.
// team; services: with an active availability SLO and requests; spent: failed requests over allowed ones, of all together;
// worst_service: who spent the largest share of its own; worst_spent
MATCH (service:Service)-[:HAS_SLO]->(slo:ActiveSlo {sli_type: 'AVAILABILITY'})
CALL (service) {
  MATCH (service)-[:HAS_SLI]->(day:SliDay {sli: 'AVAILABILITY'})
  WHERE day.day >= date({timezone: 'UTC'}) - duration({days: 28})
  RETURN sum(reduce(sum = 0.0, x IN day.good | sum + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS good,
         sum(reduce(sum = 0.0, x IN day.total | sum + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS total
}
WITH service, total - good AS bad, (1 - slo.availability_target) * total AS allowed
WHERE allowed > 0
WITH service, bad, allowed, bad / allowed AS spent ORDER BY spent DESC, service.service_id
WITH coalesce(service.team, '(no team)') AS team, sum(bad) / sum(allowed) AS spent,
     collect({service: service.service_id, spent: spent}) AS services
RETURN team, size(services) AS services, spent, services[0].service AS worst_service, services[0].spent AS worst_spent
ORDER BY spent DESC, team
