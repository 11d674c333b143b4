"""Sparse variational Gaussian processes for thousands of examples and more.

``inducing`` chooses inducing points among the examples, ``bound`` is the collapsed bound with its
gradient, ``model`` the posterior as a BoTorch model, and ``recipe`` the predictor.
"""
