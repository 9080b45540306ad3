// Keeps on each edge what was found of its pass-through; nulls: nothing was, and what was kept before goes.
// $rows: list of {caller: str, dependency: str, value, low, high: float | null (not enough evidence), in_use, failed_calls: float | null,
//   verdict: 'DECLARED' | 'LESS' | 'CONTRADICTED' | null, seen: bool | null, basis: str | null, at: datetime | null}
// The count moves last, so that whoever reads the new one reads these findings.
UNWIND $rows AS row
MATCH (:Service {service_id: row.caller})-[edge:DEPENDS_ON]->(:Service {service_id: row.dependency})
SET edge.pass_through = row.value, edge.pass_through_low = row.low, edge.pass_through_high = row.high,
    edge.pass_through_in_use = row.in_use, edge.pass_through_verdict = row.verdict,
    edge.pass_through_failed_calls = row.failed_calls, edge.pass_through_seen = row.seen,
    edge.pass_through_basis = row.basis, edge.pass_through_at = row.at
WITH count(edge) AS noted
MERGE (state:AggregationState {name: 'pass_through'})
  ON CREATE SET state.epoch = randomUUID()
SET state.revision = coalesce(state.revision, 0) + 1
