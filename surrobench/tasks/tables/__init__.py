"""From the rows of a table to architectures and values."""
