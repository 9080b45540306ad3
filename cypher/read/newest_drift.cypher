// The newest drift event of each of some services whose last alarm is not older than a time.
// $service_ids: list[str], $sli_type: str, $since: datetime   -> document: str, outcome: str | null
UNWIND $service_ids AS service_id
CALL (service_id) {
  MATCH (event:DriftEvent {service_id: service_id})
  WHERE event.sli_type = $sli_type AND event.last_alarm_at >= $since
  RETURN event ORDER BY event.detected_at DESC, event.event_id LIMIT 1
}
RETURN event.document AS document, event.outcome AS outcome
ORDER BY event.event_id
