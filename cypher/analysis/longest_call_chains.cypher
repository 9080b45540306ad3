// How many calls deep does a request go at most? Walked on the condensation, so that cycles end.
//   -> chain (components from caller to last dependency), calls
MATCH (entry:Component) WHERE NOT (:Component)-[:CONDENSED_TO]->(entry)
MATCH path = (entry)-[:CONDENSED_TO*1..12]->(last:Component)
WHERE NOT (last)-[:CONDENSED_TO]->(:Component)
RETURN [component IN nodes(path) | component.component_id] AS chain, length(path) AS calls
ORDER BY calls DESC, chain
LIMIT 20
