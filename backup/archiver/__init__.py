"""Make a snapshot: walk, read, cut, deduplicate, pack, index."""
