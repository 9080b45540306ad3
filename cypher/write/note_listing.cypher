// Notes that a source has listed all that it knows of these callers ('' for all); of two lists the later one stands.
// $source: str, $callers: list[str], $at: datetime
UNWIND $callers AS caller
MERGE (listing:CompleteListing {source: $source, caller: caller})
SET listing.listed_at = CASE WHEN listing.listed_at > $at THEN listing.listed_at ELSE $at END
