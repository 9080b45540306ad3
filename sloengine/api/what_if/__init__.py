"""The GraphQL door: what would become possible."""
