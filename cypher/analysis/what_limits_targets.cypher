// Whose improvement would let the most services promise more? Dependencies that limit recommended targets.
// dependency; limits: services whose active recommendation it limits; examples: up to five of them
MATCH (recommendation:Recommendation {status: 'ACTIVE'})
UNWIND recommendation.limited_by_services AS dependency
WITH dependency, recommendation ORDER BY recommendation.service_id
WITH dependency, collect(DISTINCT recommendation.service_id) AS services
RETURN dependency, size(services) AS limits, services[..5] AS examples
ORDER BY limits DESC, dependency
