"""Real training of small networks, and the tables that it produces."""
