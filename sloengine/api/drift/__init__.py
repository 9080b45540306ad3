"""Confirmed changes of behaviour."""
