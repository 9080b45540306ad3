// Services that an ingestion states. What it leaves out stays as it is; what a person registered stays registered.
// $rows: list of {service_id, external, discovered, stated: map}, $now: datetime
//   -> created: list[str], changed: int
UNWIND $rows AS row
MERGE (service:Service {service_id: row.service_id})
WITH service, row, service.created_at IS NULL AS is_new, properties(service) AS before
SET service += row.stated,
    service.external = row.external OR coalesce(service.external, false),
    service.discovered = row.discovered AND coalesce(service.discovered, true),
    service.created_at = coalesce(service.created_at, $now)
WITH service, is_new, before, properties(service) AS after
SET service.updated_at = CASE WHEN is_new OR before <> after THEN $now ELSE service.updated_at END
WITH service, is_new, before <> after AS has_changed
RETURN collect(CASE WHEN is_new THEN service.service_id END) AS created,
       count(CASE WHEN has_changed AND NOT is_new THEN 1 END) AS changed
