// Keeps the answer that a repeated request is to get.
// $actor: str, $mutation: str, $key: str, $answer: str
MATCH (key:IdempotencyKey {actor: $actor, mutation: $mutation, key: $key})
SET key.answer = $answer
