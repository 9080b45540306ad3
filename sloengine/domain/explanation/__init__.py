"""Why a target is what it is: Shapley values and counterfactuals of the function that made it."""
