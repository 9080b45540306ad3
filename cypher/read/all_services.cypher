// Every service, for the snapshot that a process keeps.
//   -> one row a service, columns as in service_rows.SERVICE_COLUMNS
MATCH (service:Service)
RETURN service.service_id AS service_id, service.name AS name, service.team AS team,
       service.criticality AS criticality, service.entity_ref AS entity_ref, service.external AS external,
       service.discovered AS discovered, service.published_availability_ratio AS published_availability_ratio,
       service.metadata AS metadata,
       service.created_at.epochSeconds * 1000000 + service.created_at.microsecond AS created_us,
       service.updated_at.epochSeconds * 1000000 + service.updated_at.microsecond AS updated_us
ORDER BY service_id
