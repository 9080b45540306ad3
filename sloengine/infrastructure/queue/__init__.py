"""Background work as Dramatiq messages on Redis."""
