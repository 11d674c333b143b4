"""The networks that architectures stand for."""
