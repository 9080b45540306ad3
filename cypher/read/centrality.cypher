// What some services' places in the graph say of them; services that were not analysed yet are absent.
// $service_ids: list[str]   -> service_id: str, page_rank: float, betweenness: float, betweenness_error: float,
// blast_radius: int, community: int, single_point_of_failure: bool, depth: int, graph_version: int
MATCH (service:Service)
WHERE service.service_id IN $service_ids AND service.analysed_graph_version IS NOT NULL
RETURN service.service_id AS service_id, service.page_rank AS page_rank, service.betweenness AS betweenness,
       service.betweenness_error AS betweenness_error, service.blast_radius AS blast_radius,
       service.community AS community, service.single_point_of_failure AS single_point_of_failure,
       service.depth AS depth, service.analysed_graph_version AS graph_version
ORDER BY service_id
