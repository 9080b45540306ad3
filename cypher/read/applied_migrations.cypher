// Migrations on record, oldest first.
//   -> number: int, name: str, checksum: str, applied_at: datetime
MATCH (migration:SchemaMigration)
RETURN migration.number AS number, migration.name AS name, migration.checksum AS checksum,
       migration.applied_at AS applied_at
ORDER BY number
