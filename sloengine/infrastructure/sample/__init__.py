"""The sample organisation: a shop that does not exist. Its graph is declared, its telemetry simulated."""
