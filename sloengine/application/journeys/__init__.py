"""Journeys: saved by people, derived from the graph or from traces, and recommended for."""
