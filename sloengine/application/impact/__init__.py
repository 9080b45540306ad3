"""Who is hurt when SLOs change."""
