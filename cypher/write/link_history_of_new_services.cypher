// Aggregates that were stored before their service was known.
// $service_ids: list[str]
// PROFILE must show a seek of the days: their index of several properties is used only where each of them is asked for.
UNWIND $service_ids AS service_id
MATCH (service:Service {service_id: service_id})
MATCH (day:SliDay {service_id: service_id})
WHERE day.sli IS NOT NULL AND day.day IS NOT NULL
MERGE (service)-[:HAS_SLI]->(day)
