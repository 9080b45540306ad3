// Journeys, one of each name.

CREATE CONSTRAINT journey_id IF NOT EXISTS FOR (journey:Journey) REQUIRE journey.journey_id IS UNIQUE;
CREATE CONSTRAINT journey_name IF NOT EXISTS FOR (journey:Journey) REQUIRE journey.name IS UNIQUE;
