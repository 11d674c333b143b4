"""Adapters of other packages."""
