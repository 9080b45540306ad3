// As of when one source last listed all that it knows of these callers; caller '' stands for all callers.
// $source: str, $callers: list[str]   -> caller: str, listed_us: int
MATCH (listing:CompleteListing {source: $source})
WHERE listing.caller = '' OR listing.caller IN $callers
RETURN listing.caller AS caller,
       listing.listed_at.epochSeconds * 1000000 + listing.listed_at.microsecond AS listed_us
ORDER BY caller
