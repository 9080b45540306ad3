// The condensation as stored: one row a component.
//   -> component_id: str, is_supernode: bool, dependencies: list[str] (component ids)
MATCH (component:Component)
OPTIONAL MATCH (component)-[:CONDENSED_TO]->(dependency:Component)
RETURN component.component_id AS component_id, component:Supernode AS is_supernode,
       collect(dependency.component_id) AS dependencies
