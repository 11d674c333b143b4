"""The in-context predictor: a network that was trained beforehand reads the examples."""
