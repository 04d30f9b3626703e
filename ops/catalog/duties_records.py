"""Record tables: what was approved of the backup policy, and what is told ahead of a duty."""
