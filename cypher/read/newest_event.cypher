// The last number that an event was given; no row: none has been given yet.
//   -> number: int
MATCH (numbers:EventNumbers {name: 'events'})
RETURN numbers.newest AS number
