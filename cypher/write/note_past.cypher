// The telemetry source was asked for the past of these services.
// $service_ids: list[str], $now: datetime
UNWIND $service_ids AS service_id
MATCH (service:Service {service_id: service_id})
SET service.past_asked_at = $now
