"""What shared weights are worth."""
