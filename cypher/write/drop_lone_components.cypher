// Services that have joined a cycle and stop standing for themselves in the condensation.
// $service_ids: list[str]
MATCH (service:Service:Component)
WHERE service.component_id IN $service_ids
OPTIONAL MATCH (service)-[edge:CONDENSED_TO]-(:Component)
DELETE edge
WITH DISTINCT service
REMOVE service:Component, service.component_id
