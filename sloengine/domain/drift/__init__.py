"""When did a service begin to behave differently? Hourly values, cleaned of rhythm and memory, and three votes."""
