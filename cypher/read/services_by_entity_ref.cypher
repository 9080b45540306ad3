// Services by their Backstage entity ref, compared lower-cased.
// $entity_refs: list[str], lower-cased   -> entity_ref_key: str, then columns as in service_rows.SERVICE_COLUMNS
MATCH (service:Service)
WHERE service.entity_ref_key IN $entity_refs
RETURN service.entity_ref_key AS entity_ref_key,
       service.service_id AS service_id, service.name AS name, service.team AS team,
       service.criticality AS criticality, service.entity_ref AS entity_ref, service.external AS external,
       service.discovered AS discovered, service.published_availability_ratio AS published_availability_ratio,
       service.metadata AS metadata,
       service.created_at.epochSeconds * 1000000 + service.created_at.microsecond AS created_us,
       service.updated_at.epochSeconds * 1000000 + service.updated_at.microsecond AS updated_us
ORDER BY service_id
