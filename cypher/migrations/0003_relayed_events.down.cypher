// Takes the index away again.

DROP INDEX relayed_event IF EXISTS;
