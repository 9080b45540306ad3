"""Watching every service for change, and what follows from one."""
