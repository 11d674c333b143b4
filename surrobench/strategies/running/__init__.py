"""A search at work: its loop, its workers, its file."""
