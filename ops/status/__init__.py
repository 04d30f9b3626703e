"""What is red, whether data is safe, and the command for each: facts → problems → text."""

from ops.status.cli import show, show_sites

__all__ = ["show", "show_sites"]
