// How many journeys there are.
// -> total: int
MATCH (journey:Journey) RETURN count(journey) AS total
