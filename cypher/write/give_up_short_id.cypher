// Takes the ownership of a short id away, before another name gets it: the constraint on `owned` looks at each step.
// $rows: list of {short_id, namespace, kind}
UNWIND $rows AS row
MATCH (name:RememberedName {short_id: row.short_id, namespace: row.namespace, kind: row.kind})
REMOVE name.owned
