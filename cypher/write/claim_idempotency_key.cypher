// Looks an idempotency key up and makes it when it is not there or has expired; locks it until the end of the
// transaction, so that of two requests at once the second sees what the first has left. A few expired keys go.
// $actor: str, $mutation: str, $key: str, $body_digest: str, $now: datetime, $expires_at: datetime
//   -> is_new: bool, body_digest: str, answer: str | null
CALL () {
  MATCH (old:IdempotencyKey) WHERE old.expires_at < $now AND NOT (old.actor = $actor AND old.key = $key)
  WITH old LIMIT 20
  DELETE old
}
MERGE (key:IdempotencyKey {actor: $actor, mutation: $mutation, key: $key})
SET key.touched_at = $now
WITH key, key.expires_at IS NULL OR key.expires_at < $now AS is_new
SET key.body_digest = CASE WHEN is_new THEN $body_digest ELSE key.body_digest END,
    key.expires_at = CASE WHEN is_new THEN $expires_at ELSE key.expires_at END,
    key.answer = CASE WHEN is_new THEN null ELSE key.answer END
RETURN is_new, key.body_digest AS body_digest, key.answer AS answer
