"""The GraphQL door: journeys."""
