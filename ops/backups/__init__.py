"""fab backup.*: one slice for each family of its verbs."""
