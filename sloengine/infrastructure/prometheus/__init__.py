"""Prometheus and everything that speaks its query API (Mimir, Thanos, VictoriaMetrics)."""
