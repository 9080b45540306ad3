// Relayed events are dropped by age.

CREATE INDEX relayed_event IF NOT EXISTS FOR (event:OutboxEvent) ON (event.relayed_at);
