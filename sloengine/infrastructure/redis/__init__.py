"""Redis: cache, locks, event stream. Never the only copy of anything; no command newer than 6.2."""
