"""Forecasts of error budgets, learning from finished ones, and telling of SLOs at risk."""
