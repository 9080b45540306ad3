// The supernode that each service is in.
// $service_ids: list[str]   -> service_id: str, supernode_id: str, members: list[str], cycle_path: list[str]
MATCH (service:Service)-[:MEMBER_OF]->(supernode:Supernode)
WHERE service.service_id IN $service_ids
RETURN service.service_id AS service_id, supernode.supernode_id AS supernode_id, supernode.members AS members,
       supernode.cycle_path AS cycle_path
ORDER BY service_id
