// What the correction of forecasts has learnt.

CREATE CONSTRAINT forecast_levels IF NOT EXISTS FOR (levels:ForecastLevels) REQUIRE levels.name IS UNIQUE;
