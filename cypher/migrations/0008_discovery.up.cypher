// How sources' names become service ids, and the newest reading of each source.

CREATE CONSTRAINT name_rules_name IF NOT EXISTS FOR (rules:NameRules) REQUIRE rules.name IS UNIQUE;
CREATE CONSTRAINT discovery_run_source IF NOT EXISTS FOR (run:DiscoveryRun) REQUIRE run.source IS UNIQUE;
