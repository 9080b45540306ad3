"""What can be asked of the engine: one use case a file, and the ports they need."""
