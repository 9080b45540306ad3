// Replaces what the correction of forecasts has learnt.
// $document: str (JSON), $learnt_at: datetime
MERGE (levels:ForecastLevels {name: 'availability'})
SET levels.document = $document, levels.learnt_at = $learnt_at
