// Alerts by id.
// $alert_ids: list[str]   -> one row an alert, columns as alert_of reads them
MATCH (alert:CircularDependencyAlert)
WHERE alert.alert_id IN $alert_ids
RETURN alert.alert_id AS alert_id, alert.status AS status, alert.cycle_path AS cycle_path, alert.members AS members,
       alert.detected_at.epochSeconds * 1000000 + alert.detected_at.microsecond AS detected_us,
       alert.supernode_id AS supernode_id, alert.updated_by AS updated_by, alert.note AS note,
       alert.resolved_at.epochSeconds * 1000000 + alert.resolved_at.microsecond AS resolved_us,
       coalesce(alert.history, []) AS history, coalesce(alert.revision, 0) AS revision,
       coalesce(alert.acknowledged_members, CASE alert.status WHEN 'ACKNOWLEDGED' THEN alert.members ELSE [] END)
         AS acknowledged_members
ORDER BY alert_id
