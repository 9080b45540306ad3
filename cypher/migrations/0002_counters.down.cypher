// Takes them away as long as nothing has been counted; a trail that has entries keeps its head.

MATCH (head:AuditHead {name: 'audit', sequence: 0}) DELETE head;
MATCH (state:GraphState {name: 'graph', version: 0}) DELETE state;
