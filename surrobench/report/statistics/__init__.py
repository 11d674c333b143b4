"""Which differences are there, how large, how sure."""
