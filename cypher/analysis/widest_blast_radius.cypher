// Whose failure alone can hurt the most services? As the engine worked it out for the newest graph version: those that wait
// for it, directly or not; async calls and redundancy groups that can spare a member pass nothing on.
// service; blast_radius: services hurt; critical: is its failure alone enough to take a CRITICAL one down; depth: calls from
// where requests enter; team; graph_version: that all this is of
MATCH (service:Service)
WHERE service.blast_radius > 0
RETURN service.service_id AS service, service.blast_radius AS blast_radius,
       service.single_point_of_failure AS critical, service.depth AS depth, service.team AS team,
       service.analysed_graph_version AS graph_version
ORDER BY blast_radius DESC, service
LIMIT 20
