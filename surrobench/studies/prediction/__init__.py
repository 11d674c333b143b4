"""Studies of prediction: fit to some, score on the others."""
