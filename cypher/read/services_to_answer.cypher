// Services whose past was read in after they were last answered, or that nobody has answered yet.
//   -> service_id: str
MATCH (service:Service)
WHERE service.past_asked_at IS NOT NULL
OPTIONAL MATCH (answer:NewestAnswer {service_id: service.service_id})
WITH service, max(answer.answered_at) AS answered_at
WHERE answered_at IS NULL OR answered_at < service.past_asked_at
RETURN service.service_id AS service_id
ORDER BY service_id
