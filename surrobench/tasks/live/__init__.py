"""Tasks whose evaluation trains a network."""
