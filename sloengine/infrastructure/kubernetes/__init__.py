"""Kubernetes: what runs in a cluster, who owns it, and what its annotations say of who calls whom."""
