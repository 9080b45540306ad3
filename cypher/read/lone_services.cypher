// Services that do not stand for themselves in the condensation yet.
//   -> service_ids: list[str], one row
MATCH (service:Service)
WHERE NOT service:Component
RETURN collect(service.service_id) AS service_ids
