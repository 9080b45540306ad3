"""Use cases: recommendation."""
