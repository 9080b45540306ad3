// Takes the indexes away, and the note of the version: all of it is worked out again.

MATCH (analysis:GraphAnalysis) DELETE analysis;
DROP INDEX service_community IF EXISTS;
DROP INDEX service_blast_radius IF EXISTS;
DROP CONSTRAINT graph_analysis IF EXISTS;
