"""Reports of prediction studies."""
