// What services' places in the graph say of them, to sort and search by.

CREATE CONSTRAINT graph_analysis IF NOT EXISTS FOR (analysis:GraphAnalysis) REQUIRE analysis.name IS UNIQUE;
CREATE INDEX service_blast_radius IF NOT EXISTS FOR (service:Service) ON (service.blast_radius);
CREATE INDEX service_community IF NOT EXISTS FOR (service:Service) ON (service.community);
