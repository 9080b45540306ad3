// Locks the numbers of events: only one transaction at a time gives them, so that one that can be seen has all before it
// to be seen.
MERGE (numbers:EventNumbers {name: 'events'})
ON CREATE SET numbers.newest = 0
SET numbers.locked_at = datetime()
