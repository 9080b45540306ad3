"""Organisations with known truth. Shares no mathematics with the estimator."""
