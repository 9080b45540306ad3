// Records that a migration was taken back.
// $number: int
MATCH (migration:SchemaMigration {number: $number})
DELETE migration
