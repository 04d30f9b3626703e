"""Repositories made, never anew where one cannot be seen now."""
