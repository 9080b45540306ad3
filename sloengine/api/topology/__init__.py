"""The GraphQL door: topology."""
