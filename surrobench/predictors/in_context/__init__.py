"""Tabular in-context models of other packages, with weights that the user has on disk."""
