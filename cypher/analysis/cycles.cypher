// Which services call each other in circles, and is somebody looking at it?
// supernode; size: services in the circle; path: a shortest way round; teams; alert: status of its alert
MATCH (supernode:Supernode)<-[:MEMBER_OF]-(member:Service)
OPTIONAL MATCH (alert:CircularDependencyAlert)-[:CONCERNS]->(supernode)
WITH supernode, collect(DISTINCT member.team) AS teams, collect(DISTINCT alert.status) AS statuses
RETURN supernode.supernode_id AS supernode, supernode.size AS size, supernode.cycle_path AS path, teams,
       head(statuses) AS alert
ORDER BY size DESC, supernode
