// Takes the rules and what was noted of readings away; the shipped rules are in force then.

MATCH (rules:NameRules) DELETE rules;
MATCH (run:DiscoveryRun) DELETE run;
DROP CONSTRAINT name_rules_name IF EXISTS;
DROP CONSTRAINT discovery_run_source IF EXISTS;
