// Says that days were written. Last in the writing transaction, so that whoever reads the new revision reads those days, and
// writers wait for each other only while they commit.
// $name: 'sli_days' | 'edge_days', $first_day: int (days since 1970; nothing before it was touched)
MERGE (state:AggregationState {name: $name})
  ON CREATE SET state.epoch = randomUUID(), state.revision = 0, state.touched = []
SET state.revision = state.revision + 1, state.touched = ([$first_day] + state.touched)[..256]
