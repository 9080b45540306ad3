"""Use cases: governance."""
