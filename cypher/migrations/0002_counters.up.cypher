// Nodes that a write locks before it counts on: the graph version and the head of the audit trail.

MERGE (state:GraphState {name: 'graph'}) ON CREATE SET state.version = 0;
MERGE (head:AuditHead {name: 'audit'}) ON CREATE SET head.sequence = 0, head.hash = '';
