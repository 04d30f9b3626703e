"""The parts of `backup.prune`: what is counted, what is decided, and how the index is changed."""
