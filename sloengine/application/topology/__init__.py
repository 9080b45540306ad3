"""Use cases: topology."""
