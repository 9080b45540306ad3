// Condensation edges that are new; the caller of this knows that they are not there.
// $rows: list of {caller: str, dependencies: list[str]} of component ids
UNWIND $rows AS row
MATCH (caller:Component {component_id: row.caller})
UNWIND row.dependencies AS dependency_id
MATCH (dependency:Component {component_id: dependency_id})
CREATE (caller)-[:CONDENSED_TO]->(dependency)
