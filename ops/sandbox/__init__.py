"""A place where a restored site runs, and nothing of production is in reach."""
