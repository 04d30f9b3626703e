"""Chosen pages, noted and compared."""
