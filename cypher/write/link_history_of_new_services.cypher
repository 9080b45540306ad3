// Aggregates that were stored before their service was known.
// $service_ids: list[str]
UNWIND $service_ids AS service_id
MATCH (service:Service {service_id: service_id})
MATCH (day:SliDay {service_id: service_id})
MERGE (service)-[:HAS_SLI]->(day)
