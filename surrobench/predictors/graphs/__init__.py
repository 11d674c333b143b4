"""Networks over graphs."""
