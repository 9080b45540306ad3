// All supernodes.
//   -> supernode_id: str, members: list[str], cycle_path: list[str]
MATCH (supernode:Supernode)
RETURN supernode.supernode_id AS supernode_id, supernode.members AS members, supernode.cycle_path AS cycle_path
ORDER BY supernode_id
