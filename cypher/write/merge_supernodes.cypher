// Supernodes and who is in them.
// $rows: list of {supernode_id, members: list[str], cycle_path: list[str]}, $now: datetime
UNWIND $rows AS row
MERGE (supernode:Supernode {supernode_id: row.supernode_id})
SET supernode:Component, supernode.component_id = row.supernode_id, supernode.members = row.members,
    supernode.cycle_path = row.cycle_path, supernode.size = size(row.members), supernode.changed_at = $now
WITH supernode, row
OPTIONAL MATCH (gone:Service)-[membership:MEMBER_OF]->(supernode) WHERE NOT gone.service_id IN row.members
WITH supernode, row, collect(membership) AS memberships
FOREACH (membership IN memberships | DELETE membership)
WITH supernode, row
UNWIND row.members AS member_id
MATCH (member:Service {service_id: member_id})
MERGE (member)-[:MEMBER_OF]->(supernode)
