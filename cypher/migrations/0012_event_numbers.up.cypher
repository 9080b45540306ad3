// Events have numbers, by which readers go on where they were.

CREATE CONSTRAINT event_numbers IF NOT EXISTS FOR (numbers:EventNumbers) REQUIRE numbers.name IS UNIQUE;
CREATE CONSTRAINT event_number IF NOT EXISTS FOR (event:OutboxEvent) REQUIRE event.number IS UNIQUE;
