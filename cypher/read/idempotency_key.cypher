// What was kept under an idempotency key that has not expired.
// $actor: str, $mutation: str, $key: str, $now: datetime   -> body_digest: str, answer: str
MATCH (key:IdempotencyKey {actor: $actor, mutation: $mutation, key: $key})
WHERE key.expires_at >= $now
RETURN key.body_digest AS body_digest, key.answer AS answer
