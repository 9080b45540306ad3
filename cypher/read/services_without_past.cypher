// Services whose past was never asked for at the telemetry source.
//   -> service_id: str
MATCH (service:Service)
WHERE service.past_asked_at IS NULL
RETURN service.service_id AS service_id
ORDER BY service_id
