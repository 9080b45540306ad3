// Complete lists of sources, and disagreements between what is declared and what is observed.

CREATE CONSTRAINT complete_listing IF NOT EXISTS FOR (listing:CompleteListing) REQUIRE (listing.source, listing.caller) IS UNIQUE;
CREATE CONSTRAINT divergence_id IF NOT EXISTS FOR (divergence:Divergence) REQUIRE divergence.divergence_id IS UNIQUE;
CREATE INDEX divergence_list IF NOT EXISTS FOR (divergence:Divergence) ON (divergence.since);
CREATE INDEX divergence_caller IF NOT EXISTS FOR (divergence:Divergence) ON (divergence.caller);
