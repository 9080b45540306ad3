"""Use cases: telemetry."""
