// The newest drift event of every service that has one whose last alarm is not older than a time.
// $sli_type: str, $since: datetime   -> document: str, outcome: str | null
MATCH (event:DriftEvent)
WHERE event.sli_type = $sli_type AND event.last_alarm_at >= $since
WITH event ORDER BY event.detected_at DESC, event.event_id
WITH event.service_id AS service_id, collect(event)[0] AS event
RETURN event.document AS document, event.outcome AS outcome
ORDER BY service_id
