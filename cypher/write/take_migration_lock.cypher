// Takes or prolongs the migration lock unless somebody else holds it; times are the server's.
// $holder: str, $seconds: int   -> holder: str (who has it now)
MERGE (lock:MigrationLock {name: 'schema'})
SET lock.touched_at = datetime()  // locks the node, so that the look below is alone
WITH lock, lock.holder IS NULL OR lock.holder = $holder OR lock.expires_at < datetime() AS is_free
SET lock.holder = CASE WHEN is_free THEN $holder ELSE lock.holder END,
    lock.expires_at = CASE WHEN is_free THEN datetime() + duration({seconds: $seconds}) ELSE lock.expires_at END
RETURN lock.holder AS holder
