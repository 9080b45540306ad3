// Which outside providers reach which critical services, and what do they publish?
//   -> provider, published_availability, critical_services
MATCH (provider:Service {external: true})
OPTIONAL MATCH (critical:Service {criticality: 'CRITICAL'})-[:DEPENDS_ON*1..4]->(provider)
WITH DISTINCT provider, critical ORDER BY critical.service_id
RETURN provider.service_id AS provider, provider.published_availability_ratio AS published_availability,
       collect(critical.service_id) AS critical_services
ORDER BY size(critical_services) DESC, provider
