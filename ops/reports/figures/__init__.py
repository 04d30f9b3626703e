"""Figures: one query a number, each with its source."""
