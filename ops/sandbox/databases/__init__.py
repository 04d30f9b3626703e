"""Database servers of a sandbox."""
