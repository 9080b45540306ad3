// Supernodes that are no more.
// $supernode_ids: list[str]
MATCH (supernode:Supernode)
WHERE supernode.supernode_id IN $supernode_ids
DETACH DELETE supernode
