// The service id that each name was given when it was first taken in, by what the rules make of the name and the namespace
// and kind that tell it from its namesakes.
//   -> short_id: str, namespace: str, kind: str, service_id: str, source_name: str
MATCH (name:RememberedName)
RETURN name.short_id AS short_id, name.namespace AS namespace, name.kind AS kind, name.service_id AS service_id,
       name.source_name AS source_name
ORDER BY short_id, namespace, kind
