// Takes the indexes away; watches go as well, for they are learnt again. Events stay: they are history.

MATCH (watch:DriftWatch) CALL (watch) { DELETE watch };
DROP INDEX unfinished_drift IF EXISTS;
DROP INDEX drift_event_list IF EXISTS;
DROP INDEX drift_event_service IF EXISTS;
DROP CONSTRAINT drift_event_id IF EXISTS;
DROP CONSTRAINT drift_watch IF EXISTS;
