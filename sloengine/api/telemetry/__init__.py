"""The GraphQL door: telemetry."""
