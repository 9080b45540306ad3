// One calibration record per SLI type.

CREATE CONSTRAINT calibration_sli_type IF NOT EXISTS FOR (calibration:Calibration) REQUIRE calibration.sli_type IS UNIQUE;
