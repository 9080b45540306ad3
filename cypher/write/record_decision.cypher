// Writes a decision, under the locks of lock_for_decision: the entry of the audit trail and its head, the SLO in place of
// the one before (which stays as history), the recommendation's status, the event to relay, the need to look whose objective
// it breaks, the answer for a repeated request.
// $entry, $event: map; $other_events: list of map; $to_tell: list of {audit_id, at}; $slo: map | null (the active one stays); $recommendation_id, $status: str | null (none is touched);
// $key: {actor, mutation, key, answer} | null; $now: datetime
MATCH (head:AuditHead {name: 'audit'})
OPTIONAL MATCH (last:AuditEvent {sequence: $entry.sequence - 1})
OPTIONAL MATCH (service:Service {service_id: $entry.service_id})
CREATE (entry:AuditEvent)
SET entry = $entry, head.sequence = $entry.sequence, head.hash = $entry.hash
FOREACH (_ IN CASE WHEN last IS NOT NULL THEN [1] ELSE [] END | CREATE (entry)-[:FOLLOWS]->(last))
FOREACH (_ IN CASE WHEN service IS NOT NULL THEN [1] ELSE [] END | CREATE (entry)-[:ABOUT]->(service))
CREATE (event:OutboxEvent:PendingEvent)
SET event = $event
FOREACH (properties IN $other_events | CREATE (other:OutboxEvent:PendingEvent) SET other = properties)
FOREACH (properties IN $to_tell | CREATE (need:CallersToTell) SET need = properties)
WITH service
CALL (service) {
  WITH service WHERE $slo IS NOT NULL
  OPTIONAL MATCH (old:ActiveSlo {service_id: $entry.service_id, sli_type: $entry.sli_type})
  REMOVE old:ActiveSlo
  SET old.replaced_at = $now
  WITH service, old
  CREATE (slo:Slo)
  SET slo = $slo
  SET slo:ActiveSlo
  FOREACH (_ IN CASE WHEN old IS NOT NULL THEN [1] ELSE [] END | CREATE (slo)-[:REPLACES]->(old))
  FOREACH (_ IN CASE WHEN service IS NOT NULL THEN [1] ELSE [] END | CREATE (service)-[:HAS_SLO]->(slo))
  WITH slo
  MATCH (recommendation:Recommendation {recommendation_id: slo.recommendation_id})
  CREATE (slo)-[:RESTS_ON]->(recommendation)
}
CALL () {
  MATCH (recommendation:Recommendation {recommendation_id: $recommendation_id})
  WHERE $status IS NOT NULL
  SET recommendation.status = $status, recommendation.decided_at = $now
}
CALL () {
  MATCH (key:IdempotencyKey {actor: $key.actor, mutation: $key.mutation, key: $key.key})
  SET key.answer = $key.answer
}
