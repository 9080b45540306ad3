// Services as a person states them: null leaves a value as it is, the service counts as registered.
// $rows: list of {service_id, external, stated: map}, $now: datetime   -> created: list[str], changed: int
UNWIND $rows AS row
MERGE (service:Service {service_id: row.service_id})
WITH service, row, service.created_at IS NULL AS is_new, properties(service) AS before
SET service += row.stated,
    service.external = row.external,
    service.discovered = false,
    service.created_at = coalesce(service.created_at, $now)
WITH service, is_new, before, properties(service) AS after
SET service.updated_at = CASE WHEN is_new OR before <> after THEN $now ELSE service.updated_at END
RETURN collect(CASE WHEN is_new THEN service.service_id END) AS created,
       count(CASE WHEN before <> after THEN 1 END) AS changed
