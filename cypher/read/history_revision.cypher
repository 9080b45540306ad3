// How often stored days of one kind were written, and where: what was read before is good up to the days since touched.
// $name: 'sli_days' | 'edge_days'
//   -> epoch: str, revision: int, touched: list[int] (first day of each write, newest write first, the last few hundred)
MATCH (state:AggregationState {name: $name})
RETURN state.epoch AS epoch, state.revision AS revision, state.touched AS touched
