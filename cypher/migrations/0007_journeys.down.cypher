// Takes the constraints away; journeys stay: people wrote them.

DROP CONSTRAINT journey_name IF EXISTS;
DROP CONSTRAINT journey_id IF EXISTS;
