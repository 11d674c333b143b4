"""Studies of the whole pipeline: short trainings, a predictor, full trainings."""
