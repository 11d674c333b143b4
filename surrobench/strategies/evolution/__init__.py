"""Strategies that sample, mutate and climb; some let a predictor screen first."""
