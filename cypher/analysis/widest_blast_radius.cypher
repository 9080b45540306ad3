// Whose failure reaches the most services? Counted over the condensation, so that a cycle counts as a whole and the
// walk ends; asked of the 50 components with the most direct callers.
// component: a service, or a cycle's supernode; reached: services that call it, directly or not; direct: of these directly
MATCH (component:Component)<-[:CONDENSED_TO]-(caller:Component)
WITH component, sum(coalesce(caller.size, 1)) AS direct
ORDER BY direct DESC, component.component_id
LIMIT 50
MATCH (component)<-[:CONDENSED_TO*1..]-(caller:Component)
WITH component, direct, collect(DISTINCT caller) AS callers
RETURN component.component_id AS component,
       reduce(sum = 0, caller IN callers | sum + coalesce(caller.size, 1)) AS reached, direct
ORDER BY reached DESC, component
LIMIT 20
