// Condensation edges that are no more.
// $rows: list of {caller: str, dependencies: list[str]} of component ids
UNWIND $rows AS row
MATCH (:Component {component_id: row.caller})-[edge:CONDENSED_TO]->(dependency:Component)
WHERE dependency.component_id IN row.dependencies
DELETE edge
