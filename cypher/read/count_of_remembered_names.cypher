// How many names were given an id.
// $search: str | null (lower case; part of short id, id or the source's name)   -> total: int
MATCH (name:RememberedName)
WHERE $search IS NULL OR toLower(name.short_id) CONTAINS $search OR toLower(name.service_id) CONTAINS $search
      OR toLower(name.source_name) CONTAINS $search
RETURN count(name) AS total
