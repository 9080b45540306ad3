"""The GraphQL door: forecasts of error budgets."""
