"""sloengine: availability and latency SLOs that will hold, from telemetry and the dependency graph."""

__version__ = "0.1.0"
