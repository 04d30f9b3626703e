"""Procedures as Markdown that people read and the service executes."""
