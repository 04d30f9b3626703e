"""The parts of a check: what is looked at, and what is said about it."""
