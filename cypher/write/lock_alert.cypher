// Locks an alert until the transaction ends; no row when there is none.
// $alert_id: str, $now: datetime   -> alert_id: str
MATCH (alert:CircularDependencyAlert {alert_id: $alert_id})
SET alert.locked_at = $now
RETURN alert.alert_id AS alert_id
