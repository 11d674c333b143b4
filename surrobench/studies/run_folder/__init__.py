"""What a run leaves on disk, and what is asked of it afterwards."""
