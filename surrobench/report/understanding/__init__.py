"""From an explanation to exhibits: what matters, what choices are worth, where errors lie."""
