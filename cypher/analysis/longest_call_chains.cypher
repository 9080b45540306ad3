// How deep do calls go? For each entry point the dependency that the most calls lie between, counted along the shortest
// way to it over the condensation.
// entry: a component that nobody calls; calls; chain: component ids from the entry down
MATCH (entry:Component)
WHERE NOT EXISTS { (entry)<-[:CONDENSED_TO]-() }
MATCH path = ANY SHORTEST (entry)-[:CONDENSED_TO]->+(bottom:Component)
WHERE NOT EXISTS { (bottom)-[:CONDENSED_TO]->() }
WITH entry, path, length(path) AS calls, bottom.component_id AS last
ORDER BY calls DESC, last
WITH entry, collect({calls: calls, chain: [component IN nodes(path) | component.component_id]})[0] AS deepest
RETURN entry.component_id AS entry, deepest.calls AS calls, deepest.chain AS chain
ORDER BY calls DESC, entry
LIMIT 20
