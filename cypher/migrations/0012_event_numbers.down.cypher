// Takes the numbers of events away; readers cannot go on where they were.

MATCH (event:OutboxEvent) REMOVE event.number;
MATCH (numbers:EventNumbers) DELETE numbers;
DROP CONSTRAINT event_number IF EXISTS;
DROP CONSTRAINT event_numbers IF EXISTS;
