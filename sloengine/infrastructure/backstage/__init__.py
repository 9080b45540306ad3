"""Backstage: what the software catalogue says of components, their owners and what they depend on."""
