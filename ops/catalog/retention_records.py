"""Record tables: holds, approved deletions and what was deleted."""
