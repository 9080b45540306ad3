// The supernodes that these services are in, each once: members are as many as the cycle is large, and a row a service
// would carry all of them again and again.
// $service_ids: list[str]
//   -> supernode_id: str, members: list[str], cycle_path: list[str], service_ids: list[str], those asked for that are in it
MATCH (service:Service)-[:MEMBER_OF]->(supernode:Supernode)
WHERE service.service_id IN $service_ids
WITH supernode, collect(service.service_id) AS service_ids
RETURN supernode.supernode_id AS supernode_id, supernode.members AS members, supernode.cycle_path AS cycle_path,
       service_ids
ORDER BY supernode_id
