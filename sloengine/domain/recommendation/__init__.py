"""Achievable targets, tiers, the composite bound, data quality, and the life of a recommendation."""
