"""Repository keys: listed, added, exported, rotated."""
