"""Predictors of every other kind: trees, networks, neighbours, kernels, baselines."""
