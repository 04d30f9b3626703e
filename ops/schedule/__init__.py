"""When a job is due, each time exactly once."""
