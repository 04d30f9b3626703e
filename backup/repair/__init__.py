"""Mend an index, and packs."""
