// Ends of edges that nobody has stated as a service.
// $service_ids: list[str], $now: datetime   -> created: list[str]
UNWIND $service_ids AS service_id
MERGE (service:Service {service_id: service_id})
ON CREATE SET service.external = false, service.discovered = true, service.created_at = $now, service.updated_at = $now,
              service.is_fresh = true
WITH service, service.is_fresh AS is_fresh
REMOVE service.is_fresh
RETURN collect(CASE WHEN is_fresh THEN service.service_id END) AS created
