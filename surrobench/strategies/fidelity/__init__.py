"""Strategies that train many shortly and few for long."""
