// Pairs that one source claims, of some callers or of all.
// $source: str, $callers: list[str] | null   -> caller: str, dependencies: list[str]
MATCH (caller:Service)-[claim:CLAIMS_DEPENDENCY {source: $source}]->(dependency:Service)
WHERE $callers IS NULL OR caller.service_id IN $callers
WITH caller, dependency ORDER BY caller.service_id, dependency.service_id
RETURN caller.service_id AS caller, collect(dependency.service_id) AS dependencies
