// Keeps on each edge how much of the dependency's failure was measured to reach the caller; null: not enough evidence.
// $rows: list of {caller: str, dependency: str, value, low, high: float | null}, $at: datetime
UNWIND $rows AS row
MATCH (:Service {service_id: row.caller})-[edge:DEPENDS_ON]->(:Service {service_id: row.dependency})
SET edge.pass_through = row.value, edge.pass_through_low = row.low, edge.pass_through_high = row.high,
    edge.pass_through_at = CASE WHEN row.value IS NOT NULL THEN $at END
