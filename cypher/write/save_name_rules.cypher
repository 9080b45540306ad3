// Replaces all name rules, if the stored ones are of the revision before: somebody else may have saved meanwhile.
// The very same document of this revision is this write, done before.
// $name: str, $revision: int (1 for the first), $document: str   -> saved: int (0: they are of another revision)
MERGE (rules:NameRules {name: $name})
SET rules.name = $name // takes the lock before the revision is looked at
WITH rules
WHERE coalesce(rules.revision, CASE WHEN rules.document IS NULL THEN 0 ELSE 1 END) = $revision - 1
   OR coalesce(rules.revision = $revision AND rules.document = $document, false)
SET rules.revision = $revision, rules.document = $document
RETURN count(rules) AS saved
