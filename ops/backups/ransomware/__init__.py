"""A watch over each backup, and the freeze."""
