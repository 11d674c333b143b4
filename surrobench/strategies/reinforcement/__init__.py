"""Strategies that learn a policy."""
