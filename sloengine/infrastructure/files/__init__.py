"""Plain files: CSV of edges, SLIs and latency, and ingestion documents in JSON and YAML."""
