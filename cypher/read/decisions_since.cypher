// Services that were decided on after an entry of the audit trail, their active SLOs, and the number of the newest entry.
// $sequence: int, $limit: int (the first entries, which are looked at), $sli_type: str (of the SLOs)
//   -> sequence: int, service_ids: list[str], active: list of [service_id: str, document: str]
MATCH (head:AuditHead {name: 'audit'})
CALL () {
  MATCH (entry:AuditEvent) WHERE entry.sequence > $sequence
  WITH entry ORDER BY entry.sequence LIMIT $limit
  RETURN collect(DISTINCT entry.service_id) AS service_ids
}
CALL (service_ids) {
  UNWIND service_ids AS service_id
  MATCH (slo:ActiveSlo {service_id: service_id, sli_type: $sli_type})
  RETURN collect([service_id, slo.document]) AS active
}
RETURN coalesce(head.sequence, 0) AS sequence, service_ids, active
