"""Duties as dated rows."""
