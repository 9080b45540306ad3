// Gives pending events the next numbers, oldest first, under the lock of lock_event_numbers.
// $limit: int
MATCH (event:PendingEvent)
WHERE event.number IS NULL
WITH event ORDER BY event.at, event.sequence, event.event_id LIMIT $limit
WITH collect(event) AS events
MATCH (numbers:EventNumbers {name: 'events'})
WITH events, numbers, numbers.newest AS newest
SET numbers.newest = newest + size(events)
FOREACH (place IN range(0, size(events) - 1) |
  FOREACH (event IN [events[place]] | SET event.number = newest + place + 1))
