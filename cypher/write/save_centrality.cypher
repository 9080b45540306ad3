// Writes a batch of an analysis beside the services, unless one of a newer graph version is there.
// $rows: list of {service_id: str, page_rank, betweenness, betweenness_error: float, blast_radius, community, depth: int,
// single_point_of_failure: bool}, $graph_version: int   -> written: int
UNWIND $rows AS row
MATCH (service:Service {service_id: row.service_id})
WHERE coalesce(service.analysed_graph_version, -1) <= $graph_version
SET service.page_rank = row.page_rank, service.betweenness = row.betweenness,
    service.betweenness_error = row.betweenness_error, service.blast_radius = row.blast_radius,
    service.community = row.community, service.single_point_of_failure = row.single_point_of_failure,
    service.depth = row.depth, service.analysed_graph_version = $graph_version
RETURN count(service) AS written
