"""Settings, logging, and the only place where ports meet adapters."""
