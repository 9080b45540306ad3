"""Who is hurt when an SLO changes: every caller, at any depth, with how much margin is left."""
