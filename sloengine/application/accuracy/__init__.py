"""Measure how well promises hold, on anyone's data."""
