// Takes the constraint away again.

DROP CONSTRAINT calibration_sli_type IF EXISTS;
