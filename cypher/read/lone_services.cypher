// Services that do not stand for themselves in the condensation yet.
//   -> service_id: str
MATCH (service:Service)
WHERE NOT service:Component
RETURN service.service_id AS service_id
ORDER BY service_id
