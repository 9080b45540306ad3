// Which services call each other in circles, and has anybody looked at it?
//   -> supernode, services, shortest_cycle, alert_status, since
MATCH (supernode:Supernode)
OPTIONAL MATCH (alert:CircularDependencyAlert)-[:CONCERNS]->(supernode) WHERE alert.status <> 'RESOLVED'
RETURN supernode.supernode_id AS supernode, supernode.size AS services, supernode.cycle_path AS shortest_cycle,
       alert.status AS alert_status, alert.detected_at AS since
ORDER BY services DESC, supernode
