// Through which services do most chains of calls lead, and at which do they end? As the engine worked it out for the newest
// graph version, stale calls left out.
// service; betweenness: share of pairs of other services whose shortest chain of calls leads through it; error: half width of
// a 95 % interval around that, 0 where it was counted; page_rank: share of a walk along calls that is spent at it; team
MATCH (service:Service)
WHERE service.page_rank IS NOT NULL
RETURN service.service_id AS service, round(service.betweenness, 4) AS betweenness,
       round(service.betweenness_error, 4) AS error, round(service.page_rank, 3) AS page_rank, service.team AS team
ORDER BY betweenness DESC, page_rank DESC, service
LIMIT 20
