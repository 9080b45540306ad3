// The service ids that names were given, so that they stay. `owned` is set where the short id is the name's own.

CREATE CONSTRAINT remembered_name IF NOT EXISTS FOR (name:RememberedName) REQUIRE (name.short_id, name.namespace, name.kind) IS UNIQUE;
CREATE CONSTRAINT remembered_owner IF NOT EXISTS FOR (name:RememberedName) REQUIRE name.owned IS UNIQUE;
