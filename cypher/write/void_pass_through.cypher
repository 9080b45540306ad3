// Findings of pass-through that were learnt up to now no longer count: telemetry they were learnt from was written anew.
// $at: datetime
MERGE (state:AggregationState {name: 'pass_through'})
  ON CREATE SET state.epoch = randomUUID()
SET state.revision = coalesce(state.revision, 0) + 1, state.void_before = $at
