// Whose failure reaches the most services, through any number of synchronous calls? Cycles count as one.
//   -> component (a service, or a supernode of a cycle), services_reached
MATCH (component:Component)<-[:CONDENSED_TO*1..]-(caller:Component)
WITH DISTINCT component, caller
WITH component, sum(coalesce(caller.size, 1)) AS services_reached
RETURN component.component_id AS component, services_reached
ORDER BY services_reached DESC, component
LIMIT 25
