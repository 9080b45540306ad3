// Watched series and the changes that were confirmed.

CREATE CONSTRAINT drift_watch IF NOT EXISTS FOR (watch:DriftWatch) REQUIRE (watch.service_id, watch.kind, watch.format) IS UNIQUE;
CREATE CONSTRAINT drift_event_id IF NOT EXISTS FOR (event:DriftEvent) REQUIRE event.event_id IS UNIQUE;
CREATE INDEX drift_event_service IF NOT EXISTS FOR (event:DriftEvent) ON (event.service_id);
CREATE INDEX drift_event_list IF NOT EXISTS FOR (event:DriftEvent) ON (event.detected_at);
CREATE INDEX unfinished_drift IF NOT EXISTS FOR (event:UnfinishedDrift) ON (event.detected_at);
