// Neo4j Enterprise only: keeps hands off the audit trail. Run once, as an administrator, on the system database:
//   cypher-shell -d system -f deny_audit_writes.cypher
// Put your own names in place of the two roles: slo_engine is the role the engine logs in with, slo_people one that
// people with write access have (repeat that part for each such role). A role must exist before it is denied anything.
//
// People may read the trail and nothing else. The engine may add to it, and neither delete entries nor take them out of
// the trail. It keeps SET PROPERTY, which it needs to fill a new entry; an entry changed with the engine's own password
// is what `sloengine audit verify` finds.

DENY CREATE ON GRAPH * NODES AuditEvent, AuditHead TO slo_people;
DENY DELETE ON GRAPH * NODES AuditEvent, AuditHead TO slo_people;
DENY SET PROPERTY {*} ON GRAPH * NODES AuditEvent, AuditHead TO slo_people;
DENY SET LABEL AuditEvent, AuditHead ON GRAPH * TO slo_people;
DENY REMOVE LABEL AuditEvent, AuditHead ON GRAPH * TO slo_people;
DENY CREATE ON GRAPH * RELATIONSHIPS FOLLOWS TO slo_people;
DENY DELETE ON GRAPH * RELATIONSHIPS FOLLOWS TO slo_people;

DENY DELETE ON GRAPH * NODES AuditEvent, AuditHead TO slo_engine;
DENY REMOVE LABEL AuditEvent, AuditHead ON GRAPH * TO slo_engine;
DENY DELETE ON GRAPH * RELATIONSHIPS FOLLOWS TO slo_engine;
