// Everybody whom the rules would give this short id, with the id that each was given.
// $short_id: str   -> short_id: str, namespace: str, kind: str, service_id: str, source_name: str
MATCH (name:RememberedName {short_id: $short_id})
WHERE name.namespace IS NOT NULL AND name.kind IS NOT NULL
RETURN name.short_id AS short_id, name.namespace AS namespace, name.kind AS kind, name.service_id AS service_id,
       name.source_name AS source_name
ORDER BY namespace, kind
