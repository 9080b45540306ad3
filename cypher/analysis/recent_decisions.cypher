// Who decided what over the last 30 days?
// at; actor; action; service; sli_type; rationale; sequence: place in the audit trail
MATCH (entry:AuditEvent)
WHERE entry.at >= datetime() - duration({days: 30})
RETURN entry.at AS at, entry.actor AS actor, entry.action AS action, entry.service_id AS service,
       entry.sli_type AS sli_type, entry.rationale AS rationale, entry.sequence AS sequence
ORDER BY sequence DESC
LIMIT 100
