"""Strategies that ask an acquisition function, and what they stand on."""
