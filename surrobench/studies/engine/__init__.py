"""What runs the cells of any study."""
