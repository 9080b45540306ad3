"""The GraphQL door: governance."""
