"""SLIs as they are measured: series of good and valid events, windows, budgets, intervals."""
