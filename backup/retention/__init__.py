"""Which snapshots a policy keeps, and forgetting the others."""
