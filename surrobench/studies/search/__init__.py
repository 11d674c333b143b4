"""Studies of search: strategies on tasks."""
