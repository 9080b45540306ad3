"""The field's words and arithmetic: no I/O, no clock, no framework."""
