"""Converters of public data sets into the CSV form that sloengine reads."""
