// Keeps the service ids that names were given. What is known already stays, and is told where it is another id. A second
// owner of a short id violates the constraint on `owned`.
// $rows: list of {short_id, namespace, kind, service_id, source_name, owned: str | null}
//   -> source_name: str, of names that have another id
UNWIND $rows AS row
MERGE (name:RememberedName {short_id: row.short_id, namespace: row.namespace, kind: row.kind})
ON CREATE SET name.service_id = row.service_id, name.source_name = row.source_name, name.owned = row.owned
WITH name, row
WHERE name.service_id <> row.service_id
RETURN row.source_name AS source_name
ORDER BY source_name
