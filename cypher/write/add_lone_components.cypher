// Services that stand for themselves in the condensation.
// $service_ids: list[str]
UNWIND $service_ids AS service_id
MATCH (service:Service {service_id: service_id})
SET service:Component, service.component_id = service_id
