// What the correction of forecasts has learnt.
// -> document: str (JSON), learnt_at_us: int
MATCH (levels:ForecastLevels {name: 'availability'})
RETURN levels.document AS document, levels.learnt_at.epochSeconds * 1000000 + levels.learnt_at.microsecond AS learnt_at_us
