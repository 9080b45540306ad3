// Takes away lists and divergences with their constraints; divergences are found anew.

MATCH (listing:CompleteListing) DELETE listing;
MATCH (divergence:Divergence) DETACH DELETE divergence;
DROP INDEX divergence_caller IF EXISTS;
DROP INDEX divergence_list IF EXISTS;
DROP CONSTRAINT divergence_id IF EXISTS;
DROP CONSTRAINT complete_listing IF EXISTS;
