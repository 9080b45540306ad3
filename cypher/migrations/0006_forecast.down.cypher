// Takes the constraint and the levels away; they are learnt again.

MATCH (levels:ForecastLevels) DELETE levels;
DROP CONSTRAINT forecast_levels IF EXISTS;
