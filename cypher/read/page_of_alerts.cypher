// Alerts, newest first; the id breaks ties.
// $status: str | null, $before_us: int | null and $after_id: str | null (the last row's), $limit: int
//   -> one row an alert, columns as alert_of reads them
MATCH (alert:CircularDependencyAlert)
WHERE $status IS NULL OR alert.status = $status
WITH alert, alert.detected_at.epochSeconds * 1000000 + alert.detected_at.microsecond AS us
WHERE $before_us IS NULL OR us < $before_us OR (us = $before_us AND alert.alert_id > $after_id)
WITH alert ORDER BY us DESC, alert.alert_id LIMIT $limit
RETURN alert.alert_id AS alert_id, alert.status AS status, alert.cycle_path AS cycle_path, alert.members AS members,
       alert.detected_at.epochSeconds * 1000000 + alert.detected_at.microsecond AS detected_us,
       alert.supernode_id AS supernode_id, alert.updated_by AS updated_by, alert.note AS note,
       alert.resolved_at.epochSeconds * 1000000 + alert.resolved_at.microsecond AS resolved_us,
       coalesce(alert.history, []) AS history, coalesce(alert.revision, 0) AS revision,
       coalesce(alert.acknowledged_members, CASE alert.status WHEN 'ACKNOWLEDGED' THEN alert.members ELSE [] END)
         AS acknowledged_members
ORDER BY detected_us DESC, alert_id
