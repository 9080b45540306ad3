// What must be unique, and what lists are sorted and found by.

CREATE CONSTRAINT service_id IF NOT EXISTS FOR (service:Service) REQUIRE service.service_id IS UNIQUE;
CREATE INDEX service_entity_ref IF NOT EXISTS FOR (service:Service) ON (service.entity_ref_key);
CREATE INDEX service_team IF NOT EXISTS FOR (service:Service) ON (service.team);
CREATE INDEX service_criticality IF NOT EXISTS FOR (service:Service) ON (service.criticality);

CREATE CONSTRAINT component_id IF NOT EXISTS FOR (component:Component) REQUIRE component.component_id IS UNIQUE;
CREATE CONSTRAINT supernode_id IF NOT EXISTS FOR (supernode:Supernode) REQUIRE supernode.supernode_id IS UNIQUE;
CREATE CONSTRAINT graph_state_name IF NOT EXISTS FOR (state:GraphState) REQUIRE state.name IS UNIQUE;
CREATE CONSTRAINT alert_id IF NOT EXISTS FOR (alert:CircularDependencyAlert) REQUIRE alert.alert_id IS UNIQUE;
CREATE INDEX alert_list IF NOT EXISTS FOR (alert:CircularDependencyAlert) ON (alert.detected_at);

CREATE CONSTRAINT ingestion_id IF NOT EXISTS FOR (ingestion:Ingestion) REQUIRE ingestion.ingestion_id IS UNIQUE;
CREATE INDEX ingestion_status IF NOT EXISTS FOR (ingestion:Ingestion) ON (ingestion.status);
CREATE CONSTRAINT ingestion_payload_chunk IF NOT EXISTS FOR (chunk:IngestionPayload) REQUIRE (chunk.ingestion_id, chunk.position) IS UNIQUE;
CREATE CONSTRAINT ingestion_tally IF NOT EXISTS FOR (tally:IngestionTally) REQUIRE tally.ingestion_id IS UNIQUE;

CREATE CONSTRAINT sli_day IF NOT EXISTS FOR (day:SliDay) REQUIRE (day.service_id, day.sli, day.day) IS UNIQUE;
CREATE INDEX sli_day_by_day IF NOT EXISTS FOR (day:SliDay) ON (day.sli, day.day);
CREATE CONSTRAINT edge_day IF NOT EXISTS FOR (day:EdgeDay) REQUIRE (day.caller, day.dependency, day.day) IS UNIQUE;
CREATE INDEX edge_day_by_day IF NOT EXISTS FOR (day:EdgeDay) ON (day.day);
CREATE CONSTRAINT aggregation_state_name IF NOT EXISTS FOR (state:AggregationState) REQUIRE state.name IS UNIQUE;

CREATE CONSTRAINT recommendation_id IF NOT EXISTS FOR (recommendation:Recommendation) REQUIRE recommendation.recommendation_id IS UNIQUE;
CREATE INDEX recommendation_list IF NOT EXISTS FOR (recommendation:Recommendation) ON (recommendation.service_id, recommendation.sli_type, recommendation.generated_at);
CREATE INDEX recommendation_expiry IF NOT EXISTS FOR (recommendation:Recommendation) ON (recommendation.status, recommendation.expires_at);
CREATE CONSTRAINT answer_key IF NOT EXISTS FOR (answer:NewestAnswer) REQUIRE (answer.service_id, answer.sli_type) IS UNIQUE;
CREATE CONSTRAINT recommendation_job_id IF NOT EXISTS FOR (job:RecommendationJob) REQUIRE job.job_id IS UNIQUE;
CREATE CONSTRAINT prior_sli_type IF NOT EXISTS FOR (prior:Prior) REQUIRE prior.sli_type IS UNIQUE;

CREATE CONSTRAINT slo_id IF NOT EXISTS FOR (slo:Slo) REQUIRE slo.slo_id IS UNIQUE;
CREATE CONSTRAINT active_slo IF NOT EXISTS FOR (slo:ActiveSlo) REQUIRE (slo.service_id, slo.sli_type) IS UNIQUE;
CREATE INDEX slo_service IF NOT EXISTS FOR (slo:Slo) ON (slo.service_id);
CREATE CONSTRAINT audit_head_name IF NOT EXISTS FOR (head:AuditHead) REQUIRE head.name IS UNIQUE;
CREATE CONSTRAINT audit_id IF NOT EXISTS FOR (entry:AuditEvent) REQUIRE entry.audit_id IS UNIQUE;
CREATE CONSTRAINT audit_sequence IF NOT EXISTS FOR (entry:AuditEvent) REQUIRE entry.sequence IS UNIQUE;
CREATE INDEX audit_service IF NOT EXISTS FOR (entry:AuditEvent) ON (entry.service_id);
CREATE INDEX audit_actor IF NOT EXISTS FOR (entry:AuditEvent) ON (entry.actor);
CREATE INDEX audit_at IF NOT EXISTS FOR (entry:AuditEvent) ON (entry.at);

CREATE CONSTRAINT outbox_event_id IF NOT EXISTS FOR (event:OutboxEvent) REQUIRE event.event_id IS UNIQUE;
CREATE INDEX pending_event IF NOT EXISTS FOR (event:PendingEvent) ON (event.at);
CREATE CONSTRAINT idempotency_key IF NOT EXISTS FOR (key:IdempotencyKey) REQUIRE (key.actor, key.mutation, key.key) IS UNIQUE;
CREATE INDEX idempotency_expiry IF NOT EXISTS FOR (key:IdempotencyKey) ON (key.expires_at);
