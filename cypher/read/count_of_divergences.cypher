// How many divergences there are.
//   -> total: int
MATCH (divergence:Divergence)
RETURN count(*) AS total
