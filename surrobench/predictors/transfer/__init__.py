"""Predictors that have seen other tasks."""
