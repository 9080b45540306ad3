// Whether the server answers queries.
//   -> answer: int
RETURN 1 AS answer
