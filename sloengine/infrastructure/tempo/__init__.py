"""Grafana Tempo: TraceQL metrics."""
