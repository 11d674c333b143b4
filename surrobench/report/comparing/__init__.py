"""Exhibits that compare methods or runs, whatever the kind of study."""
