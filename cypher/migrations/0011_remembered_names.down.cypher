// Takes away which ids names were given; the next reading decides anew.

MATCH (name:RememberedName) DELETE name;
DROP CONSTRAINT remembered_owner IF EXISTS;
DROP CONSTRAINT remembered_name IF EXISTS;
