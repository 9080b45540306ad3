// Records that a migration was applied.
// $number: int, $name: str, $checksum: str
MERGE (migration:SchemaMigration {number: $number})
SET migration.name = $name, migration.checksum = $checksum, migration.applied_at = datetime()
