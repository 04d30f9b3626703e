"""Holds, minimums, deletions."""
