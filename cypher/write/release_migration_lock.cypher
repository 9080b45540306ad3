// Gives the migration lock back.
// $holder: str
MATCH (lock:MigrationLock {name: 'schema', holder: $holder})
REMOVE lock.holder, lock.expires_at
