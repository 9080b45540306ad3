"""The GraphQL door: who is hurt by a change."""
