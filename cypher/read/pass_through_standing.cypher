// Which findings of pass-through are stored, and from when on they count.
//   -> revision: str | null (another one with everything that is noted), void_before: datetime | null
MATCH (state:AggregationState {name: 'pass_through'})
RETURN state.epoch + '-' + toString(state.revision) AS revision, state.void_before AS void_before
