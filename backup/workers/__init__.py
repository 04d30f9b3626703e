"""Worker processes and threads."""
