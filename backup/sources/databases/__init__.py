"""Databases: dumps taken, streamed, loaded again."""
