"""The GraphQL door: recommendation."""
