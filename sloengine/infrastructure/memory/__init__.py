"""Every port in dicts: for fast tests, held to the same contract tests as the real adapters. Never a default."""
