// The ids that names were given, by short id, namespace and kind.
// $search: str | null (lower case; part of short id, id or the source's name), $after: [short_id: str, namespace: str, kind: str] | null (the last row's), $limit: int
//   -> short_id: str, namespace: str, kind: str, service_id: str, source_name: str
MATCH (name:RememberedName)
WHERE ($search IS NULL OR toLower(name.short_id) CONTAINS $search OR toLower(name.service_id) CONTAINS $search
       OR toLower(name.source_name) CONTAINS $search)
  AND ($after IS NULL OR name.short_id > $after[0]
       OR (name.short_id = $after[0] AND (name.namespace > $after[1]
           OR (name.namespace = $after[1] AND name.kind > $after[2]))))
RETURN name.short_id AS short_id, name.namespace AS namespace, name.kind AS kind, name.service_id AS service_id,
       name.source_name AS source_name
ORDER BY short_id, namespace, kind
LIMIT $limit
