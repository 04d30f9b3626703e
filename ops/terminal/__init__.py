"""A task, its flags, its output and its exit code."""
