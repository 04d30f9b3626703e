"""The estate file read, all problems at once."""
