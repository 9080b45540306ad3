"""The GraphQL door: what can be asked over HTTP, with health and metrics beside it."""
