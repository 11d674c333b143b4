"""One table for everything that was run: who leads, in which respect, and how surely.

Tasks are what methods are ranked over, so the tests speak of other tasks like these, where those
of a single report speak of other seeds.
"""
