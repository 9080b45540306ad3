// How far does each external provider reach into us, and does it keep what it publishes?
// provider; direct: services that call it; reached: services that call it directly or not; published: its own figure;
// observed: good over valid requests of the last 28 days, null when we do not measure it
MATCH (provider:Service {external: true})
OPTIONAL MATCH (provider)<-[:DEPENDS_ON*1..]-(caller:Service)
WITH provider, count(DISTINCT caller) AS reached
CALL (provider) {
  OPTIONAL MATCH (provider)-[:HAS_SLI]->(day:SliDay {sli: 'AVAILABILITY'})
  WHERE day.day >= date({timezone: 'UTC'}) - duration({days: 28})
  RETURN sum(reduce(sum = 0.0, x IN day.good | sum + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS good,
         sum(reduce(sum = 0.0, x IN day.total | sum + CASE WHEN isNaN(x) THEN 0.0 ELSE x END)) AS total
}
RETURN provider.service_id AS provider, COUNT { (provider)<-[:DEPENDS_ON]-() } AS direct, reached,
       provider.published_availability_ratio AS published,
       CASE WHEN total > 0 THEN good / total END AS observed
ORDER BY reached DESC, provider
