// Writes what the re-evaluation behind a drift event gave, under the locks of lock_drift_event: the event, the entry of the
// audit trail and its head, the event to relay.
// $event_id: str, $recommendation_id: str | null, $outcome: str (JSON), $entry, $told: map, $now: datetime
MATCH (head:AuditHead {name: 'audit'})
MATCH (drift:DriftEvent {event_id: $event_id})
OPTIONAL MATCH (last:AuditEvent {sequence: $entry.sequence - 1})
OPTIONAL MATCH (service:Service {service_id: $entry.service_id})
OPTIONAL MATCH (recommendation:Recommendation {recommendation_id: $recommendation_id})
CREATE (entry:AuditEvent)
SET entry = $entry, head.sequence = $entry.sequence, head.hash = $entry.hash
REMOVE drift:UnfinishedDrift
SET drift.outcome = $outcome, drift.reevaluated_at = $now, drift.recommendation_id = $recommendation_id
FOREACH (_ IN CASE WHEN last IS NOT NULL THEN [1] ELSE [] END | CREATE (entry)-[:FOLLOWS]->(last))
FOREACH (_ IN CASE WHEN service IS NOT NULL THEN [1] ELSE [] END | CREATE (entry)-[:ABOUT]->(service))
FOREACH (_ IN CASE WHEN recommendation IS NOT NULL THEN [1] ELSE [] END | CREATE (drift)-[:LED_TO]->(recommendation))
CREATE (told:OutboxEvent:PendingEvent)
SET told = $told
